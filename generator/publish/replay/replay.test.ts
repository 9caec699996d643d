import { describe, expect, it } from 'vitest';
import { META_KEY } from '../../../core/edge-keys.ts';
import { Outcome } from '../../../core/observations.ts';
import { changedKeys, replayed as replayOf } from '../../../test/replaying.ts';
import {
  distfilesOf,
  evidenceOf,
  FALLBACK,
  inventoryOf,
  mapsOf,
  mirrorsIn,
  NOW_MS,
  RULES,
} from '../../../test/small-build.ts';
import type { Evidence } from '../../maps/evidence.ts';

const paths = [
  '',
  'distfiles/',
  'snapshots/',
  ...Array.from({ length: 240 }, (_, i) => `distfiles/${i % 8}/a%2B${i}.tar.xz`),
];
const inventory = inventoryOf(paths);
const held = (n: number) => (id: number) => id < 240 && (id + n) % 4 !== 0;
// Twelve in one country: more than one shard has room for.
const COUNTRIES = ['DE', 'DE', 'FR', 'US', 'US', 'JP', 'BR', 'AU', 'ZA', ...new Array<string>(10).fill('DE')];
const evidence = mirrorsIn(COUNTRIES, paths.length, (n) => {
  return { host: `${COUNTRIES[n]?.toLowerCase()}${n}.example.org`, holds: held(n), ipv6: n % 2 === 0 };
});
// Down for a minute: still in the tables, and taken out by `meta` alone.
const [down] = evidence.splice(8, 1) as [Evidence];
const sinceS = NOW_MS / 1000 - 60;
evidence.push({ ...down, liveness: { state: 'down', sinceS, checkedAtS: sinceS, reason: 'connection refused' } });
const maps = mapsOf(inventory, evidence);
const SHARDS_OF_DE = 3;

function replayed(
  keys: Iterable<readonly [string, string]>,
  truth = evidence,
  fallback = FALLBACK,
  made = maps,
  tree = inventory,
  upgrade = false,
) {
  return replayOf({ made, inventory: tree, evidence: truth, keys, fallback, upgrade });
}

const changed = (isMeant: (key: string) => boolean, change: (value: string) => string) =>
  changedKeys(maps, isMeant, change);

describe('a replay', () => {
  it('of right keys finds no wrong answer, for every object and every shard of every region', async () => {
    const report = await replayed(maps.keys);
    expect(report).toMatchObject({ wrong: 0, missed: 0, examples: [], objects: paths.length });
    const shards = maps.regions.reduce((sum, { https, http }) => sum + https.shards.length + http.shards.length, 0);
    expect(report.viewers).toBe(2 * shards);
    // Neither one, nor a number that divides eight.
    expect(maps.regions.find(({ region }) => region === 'DE')?.https.shards).toHaveLength(SHARDS_OF_DE);
    expect(report.classes).toBe(maps.table.classes.length - 1);
    const tables = maps.keys.filter(([key]) => key.startsWith('r')).length;
    expect(report.tables).toBe(tables);
    expect(report.answers).toBeGreaterThanOrEqual((report.classes + 1) * tables + paths.length * 3);
  });

  it('stops where one object is said to be in another class', async () => {
    const truth = evidence.map((one, i) => {
      const presence = one.presence.slice();
      // One cell in 4,300.
      if (i === 0) presence[17] = Outcome.none;
      return { ...one, presence };
    });
    const report = await replayed(maps.keys, truth);
    expect(report.wrong).toBeGreaterThan(0);
    expect(report.examples[0]).toContain(`/${paths[17]}: https://`);
    expect(report.examples[0]).toContain('is not known to hold it');
  });

  it('stops where one region alone has a table that claims too much', async () => {
    const table =
      maps.keys.find(([key]) => key.startsWith('r') && key.includes('NZ')) ??
      maps.keys.find(([key]) => /^r.[A-Z]{2}s/.test(key));
    const report = await replayed(
      changed(
        (key) => key === table?.[0],
        (value) => value.replace(/[^\n]*$/, (masks) => 'o'.repeat(masks.length)),
      ),
    );
    expect(report.wrong).toBeGreaterThan(0);
  });

  it('stops where the map calls somebody up who is down', async () => {
    const report = await replayed(
      changed(
        (key) => key === META_KEY,
        (value) => value.replace(/^((?:\S+ ){5})(\S+)/, (_, head, up) => head + 'f'.repeat(up.length)),
      ),
    );
    expect(report.wrong).toBeGreaterThan(0);
    expect(report.examples[0]).toContain('is down');
  });

  it('stops where a region is led to the table of another', async () => {
    // Of two zones of several countries each, one loses its last to the other.
    const keys = changed(
      (key) => key === META_KEY,
      (value) => value.replace(/([A-Z]{2})([A-Z]{2}),((?:[A-Z]{2})+)/, '$1,$3$2'),
    );
    expect((await replayed(keys)).examples.join('\n')).toContain("is not in its region's map");
  });

  it('stops where a name leads to no access point at all', async () => {
    const report = await replayed(
      changed(
        (key) => key.startsWith('r'),
        (value) => value.replace('de0.example.org', 'evil.example.org'),
      ),
    );
    expect(report.wrong).toBeGreaterThan(0);
    expect(report.examples.join('\n')).toContain('evil.example.org');
  });

  it('stops where the function has another fallback', async () => {
    const report = await replayed(maps.keys, evidence, 'https://other.example.org/');
    expect(report.wrong).toBeGreaterThan(0);
    expect(report.examples[0]).toContain('neither the fallback nor an access point');
  });

  it('counts what somebody holds and nobody is sent to', async () => {
    const report = await replayed(
      changed(
        (key) => key.startsWith('0'),
        () => '',
      ),
    );
    expect(report.missed).toBeGreaterThan(paths.length);
  });

  describe('of flat names whose links some mirrors lack', () => {
    const flat = distfilesOf(Array.from({ length: 90 }, (_, i) => `b${i}.tar.xz`));
    const count = flat.paths.length;
    const some = (['https', 'http'] as const).flatMap((protocol) =>
      ['DE', 'FR', 'US', 'JP'].map((country, n) =>
        evidenceOf(count, {
          host: `${country.toLowerCase()}.example.org`,
          country,
          protocol,
          holds: (id) => (n > 1 || id % 2 === 0) && (id >> 1) % 5 !== n,
        }),
      ),
    );
    const made = mapsOf(flat, some);
    const over = (keys: Iterable<readonly [string, string]>, inventory = flat, truth = some) =>
      replayed(keys, truth, FALLBACK, made, inventory);

    it('is content with their targets', async () => {
      expect(await over(made.keys)).toMatchObject({ wrong: 0, missed: 0, examples: [] });
    });

    it('stops where a mirror does not have the target', async () => {
      const truth = some.map((one, i) => ({
        ...one,
        presence:
          i === 0
            ? one.presence.map((_, id) => (id === 12 ? Outcome.absent : (one.presence[id] as number)))
            : one.presence,
      }));
      const report = await over(made.keys, flat, truth);
      expect(report.examples.join('\n')).toContain(
        `/${flat.paths[13]}: https://de.example.org/gentoo/ is not known to hold it`,
      );
    });

    it('stops where a link leads somewhere else by now', async () => {
      const leadsTo = flat.leadsTo.map((id, link) => (link === 21 ? 22 : id));
      const report = await over(made.keys, { ...flat, leadsTo });
      expect(report.examples.join('\n')).toContain(
        `/${flat.paths[21]}: may be answered with "/${flat.paths[20]}", where it does not lead`,
      );
    });

    it('counts those that are held by their targets alone and sent to nobody', async () => {
      const own = mapsOf(flat, some, null, NOW_MS, { ...RULES, aliases: [] });
      expect((await over(own.keys)).wrong).toBe(0);
    });
  });

  describe('where viewers over http are led to https', () => {
    const led = mapsOf(inventory, evidence, null, NOW_MS, { ...RULES, upgrade: true });

    it('is content with that, and not with the keys of another build', async () => {
      expect(await replayed(led.keys, evidence, FALLBACK, led, inventory, true)).toMatchObject({ wrong: 0, missed: 0 });
      const report = await replayed(led.keys, evidence, FALLBACK, led);
      expect(report.examples.join('\n')).toContain('is not http');
    });
  });

  describe('of a mirror for private networks', () => {
    const own = evidenceOf(paths.length, {
      host: 'own.example.org',
      country: 'DE',
      protocol: 'https',
      holds: held(0),
      networks: ['192.0.2.0/23', '2001:db8:1::/48'],
    });
    const truth = [...evidence, own];
    const withOwn = mapsOf(inventory, truth);

    it('asks from inside each network too, and is content', async () => {
      const report = await replayed(withOwn.keys, truth, FALLBACK, withOwn);
      expect(report).toMatchObject({ wrong: 0, missed: 0, examples: [] });
      const shards = withOwn.regions.reduce(
        (sum, { https, http }) => sum + https.shards.length + http.shards.length,
        0,
      );
      expect(report.viewers).toBe(2 * shards + 6);
    });

    it('stops where it is given to a network that is its own no more', async () => {
      const others = truth.map((one) =>
        one === own ? { ...own, mirror: { ...own.mirror, networks: ['192.0.2.0/24', '2001:db8:1::/48'] } } : one,
      );
      const report = await replayed(withOwn.keys, others, FALLBACK, withOwn);
      expect(report.examples.join('\n')).toContain('https://own.example.org/gentoo/ serves its own networks alone');
    });

    it('stops where everybody is given it, and nobody counts it as a holder for all', async () => {
      const open = mapsOf(
        inventory,
        truth.map((one) =>
          one === own ? { ...own, mirror: { ...own.mirror, networks: undefined } } : one,
        ) as Evidence[],
      );
      const report = await replayed(open.keys, truth, FALLBACK, open);
      expect(report.wrong).toBeGreaterThan(0);
      expect(report.examples.join('\n')).toContain('serves its own networks alone');
      const alone = mapsOf(inventory, [own]);
      expect(await replayed(alone.keys, [own], FALLBACK, alone)).toMatchObject({ wrong: 0, missed: 0 });
    });
  });
});
