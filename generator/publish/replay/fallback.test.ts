import { describe, expect, it } from 'vitest';
import type { BuiltFunction } from '../../../core/function-event.ts';
import { Outcome } from '../../../core/observations.ts';
import { replayed } from '../../../test/replaying.ts';
import { distfilesOf, evidenceOf, FALLBACK, inventoryOf, mapsOf, type SmallPoint } from '../../../test/small-build.ts';
import type { Evidence } from '../../maps/evidence.ts';

const names = Array.from({ length: 60 }, (_, i) => `b${i}.tar.xz`);
const flat = distfilesOf(names);
const plain = inventoryOf(['', 'distfiles/', ...names.map((name) => `distfiles/${name}`)]);
const HOST = new URL(FALLBACK).hostname;

/** Access points over https and http with the root that is given; the mirror may have wishes. */
function pointsAt(root: string, options: Omit<SmallPoint, 'host' | 'protocol'>, wishes: object = {}): Evidence[] {
  return (['https', 'http'] as const).map((protocol) => {
    const one = evidenceOf(flat.paths.length + plain.paths.length, { host: root, protocol, ...options });
    const accessPoint = { ...one.accessPoint, url: `${protocol}://${root}` };
    return { ...one, accessPoint, mirror: { ...one.mirror, accessPoints: [accessPoint], ...wishes } };
  });
}

const others = [
  // Of every sixth nobody has anything, of every sixth the master alone.
  ...pointsAt('de.example.org/gentoo/', { country: 'DE', holds: (id) => id % 6 > 1 && id % 3 !== 0 }),
  ...pointsAt('us.example.org/gentoo/', { country: 'US', holds: (id) => id % 6 > 1 && id % 4 !== 0 }),
];
const holds = (id: number) => id % 6 > 0 && id % 5 !== 0;
const master = pointsAt(`${HOST}/`, { country: 'DE', holds });

const CASES: [string, Evidence[]][] = [
  ['is one of the mirrors', master],
  ['is the only mirror', master],
  ['is a mirror that has everything', pointsAt(`${HOST}/`, { country: 'DE', holds: () => true })],
  ['is a mirror that has nothing', pointsAt(`${HOST}/`, { country: 'DE', holds: () => false })],
  ['is a mirror that is down', pointsAt(`${HOST}/`, { country: 'DE', holds, state: 'down' })],
  ['is a mirror that is drained', pointsAt(`${HOST}/`, { country: 'DE', holds, drained: true })],
  ['is a mirror for one country alone', pointsAt(`${HOST}/`, { country: 'DE', holds }, { only: ['DE'] })],
  ['is a mirror that one country gets no answer of', pointsAt(`${HOST}/`, { country: 'DE', holds }, { never: ['US'] })],
  ['is a mirror of one network', pointsAt(`${HOST}/`, { country: 'DE', holds, networks: ['192.0.2.0/24'] })],
  ['is a mirror over http alone', master.filter(({ accessPoint }) => accessPoint.protocol === 'http')],
  ['lies above a mirror', pointsAt(`${HOST}/distfiles/`, { country: 'DE', holds })],
  ['is a mirror, and lies above another', [...master, ...pointsAt(`${HOST}/gentoo/`, { country: 'US', holds })]],
];

describe('a replay where the fallback', () => {
  describe.each([
    ['files', plain],
    ['links that may be answered with their files', flat],
  ])('%s', (_, inventory) => {
    it.each(CASES)('%s is content', async (name, own) => {
      const fleet = name.includes('only') ? own : [...others, ...own];
      const evidence = fleet.map((one) => ({ ...one, presence: one.presence.slice(0, inventory.paths.length) }));
      const made = mapsOf(inventory, evidence);
      expect(await replayed({ made, inventory, evidence })).toMatchObject({ wrong: 0, missed: 0, examples: [] });
    });
  });

  it('is below a mirror is content', async () => {
    const evidence = [...others, ...pointsAt('de.example.org/', { country: 'DE', holds })];
    const made = mapsOf(flat, evidence);
    for (const fallback of ['https://de.example.org/gentoo/', 'https://de.example.org/'])
      expect(await replayed({ made, inventory: flat, evidence, fallback, isBundled: true })).toMatchObject({
        wrong: 0,
      });
  });

  const evidence = [...others, ...master].map((one) => ({
    ...one,
    presence: one.presence.slice(0, flat.paths.length),
  }));
  const made = mapsOf(flat, evidence);
  const isMaster = ({ accessPoint }: Evidence) => accessPoint.url === FALLBACK;
  const text = ({ examples }: { readonly examples: readonly string[] }) => examples.join('\n');

  it('is one of the mirrors still stops where that is said to hold what it lacks', async () => {
    const lost = [...flat.paths.keys()].find(
      (id) => evidence.filter((one) => one.presence[id] === Outcome.present).length > 2,
    );
    const truth = evidence.map((one) =>
      isMaster(one) ? { ...one, presence: one.presence.with(lost as number, Outcome.absent) } : one,
    );
    const report = await replayed({ made, inventory: flat, evidence: truth });
    expect(text(report)).toContain(`${FALLBACK} is not known to hold it`);
  });

  it('is one of the mirrors still stops where that is named to a country that it does not want', async () => {
    const truth = evidence.map((one) => (isMaster(one) ? { ...one, mirror: { ...one.mirror, never: ['NZ'] } } : one));
    const report = await replayed({ made, inventory: flat, evidence: truth });
    expect(text(report)).toContain(`${FALLBACK} wants no viewers of NZ`);
  });

  it('is one of the mirrors still stops where an object that others alone hold is sent there', async () => {
    const id = [...flat.paths.keys()].find((id) => !holds(id) && id % 2 === 0 && id % 6 > 1 && id % 3 !== 0) as number;
    const path = flat.paths.at(id) as string;
    const faulty =
      (right: BuiltFunction): BuiltFunction =>
      async (event) => {
        const answer = await right(event);
        const isMeant = event.request.uri === `/${path}` && answer.statusCode === 302;
        return isMeant ? { ...answer, headers: { ...answer.headers, location: { value: FALLBACK + path } } } : answer;
      };
    const report = await replayed({ made, inventory: flat, evidence, faulty });
    expect(text(report)).toContain(`/${path} for `);
    expect(text(report)).toContain('is sent to the fallback, other objects of its class are not');
  });
});
