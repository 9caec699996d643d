import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Explanation, explain, explanationText } from '../cli/explain.ts';
import { encodeInventory } from '../core/formats/inventory-file.ts';
import { encodeLiveness } from '../core/formats/liveness-file.ts';
import { encodeMirrors } from '../core/formats/mirrors-file.ts';
import { emptyObservations, encodeObservations } from '../core/formats/observations-file.ts';
import type { ProbeRecord } from '../core/liveness.ts';
import type { Mirror } from '../core/mirror.ts';
import { writeFileAtomic } from '../core/node/atomic-file.ts';
import { methodNumber, Outcome } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import { silentProgress } from '../core/progress.ts';
import { bundleFunction } from '../edge-shim/bundle.ts';
import { startLocalEdge } from '../edge-shim/local-edge.ts';
import { runBuild } from '../generator/maps/run.ts';
import { evidenceOf, FALLBACK, inventoryOf, RULES } from './small-build.ts';

const run = promisify(execFile);
const redirector = fileURLToPath(new URL('../redirector.js', import.meta.url));
const output = mkdtempSync(join(tmpdir(), 'redirector-lookup-'));
afterAll(() => rmSync(output, { recursive: true, force: true }));

const inventory = inventoryOf([
  ...['distfiles/', 'distfiles/a', 'distfiles/b'],
  ...['distfiles/ab/flat', 'distfiles/flat -> ab/flat', 'distfiles/nobodys'],
]);
const [A, B, TARGET] = [1, 2, 3];
const nowS = Math.floor(Date.now() / 1000);

/** Name, country, place, what it holds, since when it is down. */
const MIRRORS: readonly [string, string, readonly [number, number] | null, readonly number[], number | null][] = [
  ['de-up', 'DE', null, [A], null],
  ['de-fresh', 'DE', null, [A], nowS - 600],
  ['de-falls', 'DE', null, [A], null],
  ['de-old', 'DE', null, [A], nowS - 3 * 86_400],
  ['fr-less', 'FR', null, [], null],
  ['us-west', 'US', [34, -118], [A, B], null],
  ['us-east', 'US', [42, -71], [A], null],
  ['jp-flat', 'JP', null, [TARGET], null],
];

beforeAll(async () => {
  const mirrors = MIRRORS.map(([host, country, place]): Mirror => {
    const { mirror } = evidenceOf(0, { host, country, protocol: 'https', holds: () => true });
    const places = place === null ? mirror.places : [{ country, latitude: place[0], longitude: place[1] }];
    return { ...mirror, places };
  });
  writeFileAtomic(outputLayout.inventory(output), encodeInventory(inventory));
  writeFileAtomic(outputLayout.mirrors(output), encodeMirrors({ version: 1, takenAtMs: 1, mirrors, notes: [] }));
  for (const [i, [, , , held, downSinceS]] of MIRRORS.entries()) {
    const { id, url } = (mirrors[i] as Mirror).accessPoints[0] as Mirror['accessPoints'][number];
    const observations = emptyObservations(id, url, inventory.paths.length, nowS);
    observations.liveness = {
      state: downSinceS === null ? 'up' : 'down',
      sinceS: downSinceS ?? 1,
      checkedAtS: nowS - 100,
      reason: downSinceS === null ? '' : 'connection refused',
    };
    observations.evidenceAtS.fill(nowS);
    observations.method.fill(methodNumber(observations.methods, 'http-head'));
    observations.sizeBytes.set(inventory.sizeBytes);
    observations.outcome.fill(Outcome.absent);
    for (const object of held) observations.outcome[object] = Outcome.present;
    writeFileAtomic(outputLayout.observations(output, id), encodeObservations(observations));
  }
  runBuild({ output, expiryMs: 14 * 86_400_000, nowMs: nowS * 1000, progress: silentProgress, rules: RULES });
  writeFileAtomic(outputLayout.edgeFunction(output), await bundleFunction(FALLBACK));
  // A probe after the build.
  const falls: ProbeRecord = {
    accessPointId: 'de-falls.https',
    url: 'https://de-falls/gentoo/',
    liveness: { state: 'down', sinceS: nowS, checkedAtS: nowS, reason: 'certificate expired today' },
    ...{ ipv4Up: false, ipv6Up: null, finalHost: '', stampLagS: null, certificateValidToS: null, warnings: [] },
    ...{ knownObjects: [], cost: { startedAtS: nowS, elapsedMs: 1, requests: 1, connections: 1 }, history: [] },
  };
  const probed = { version: 1, probedAtMs: nowS * 1000, accessPoints: [falls] } as const;
  writeFileAtomic(outputLayout.liveness(output), encodeLiveness(probed));
});

const notes: string[] = [];
const ask = (path: string, country: string, scheme = 'https', ip = '192.0.2.1'): Promise<Explanation> =>
  explain(output, path, { country, scheme, ip }, (line) => notes.push(line), Date.now());
const row = (explanation: Explanation, id: string) =>
  explanation.considered.find(({ accessPoint }) => accessPoint === `${id}.https`);

interface EdgeList {
  readonly candidates: readonly { readonly url: string; readonly accessPoint?: number }[];
  readonly excluded: readonly { readonly url: string }[];
}

describe('redirector lookup', () => {
  it('shows a mirror that is freshly down as left out, with the reason', async () => {
    const found = await ask('/distfiles/a', 'DE');
    expect(row(found, 'de-up')).toMatchObject({ holds: true, tier: 0, reason: '', since: '' });
    expect(row(found, 'de-fresh')).toMatchObject({ holds: true, reason: 'down: connection refused' });
    expect(row(found, 'de-old')).toMatchObject({ holds: true, reason: 'down: connection refused' });
    expect(row(found, 'fr-less')).toMatchObject({ holds: false, reason: 'does not hold it' });
    expect(notes).toEqual([]);
  });

  it('tells of a candidate that fell since the build', async () => {
    const found = await ask('/distfiles/a', 'DE');
    expect(row(found, 'de-falls')).toMatchObject({ reason: '', since: 'down: certificate expired today' });
    expect(explanationText(found)).toContain(
      'de-falls.https (tier 0, 0 km; since the build down: certificate expired today)',
    );
  });

  it.each([
    ['US', null],
    ['us-ca', 'us-west'],
    ['US-MA', 'us-east'],
  ])('knows the parts of large countries: %s', async (country, nearest) => {
    const found = await ask('/distfiles/a', country);
    expect(found.region).toBe(country.toUpperCase());
    expect(['us-west.https', 'us-east.https']).toContain(found.considered[0]?.accessPoint);
    if (nearest === null) return;
    expect(found.considered[0]?.accessPoint).toBe(`${nearest}.https`);
    expect(found.considered[0]?.distanceKm).toBeLessThan(100);
    expect(explanationText(found)).toContain(`a viewer in United States (${country.toUpperCase()})`);
  });

  it('takes a part of another country for the country', async () => {
    expect(row(await ask('/distfiles/a', 'DE-BY'), 'de-up')).toMatchObject({ tier: 0, reason: '' });
  });

  it('names what the edge’s ?mirrorlist names, in its order', async () => {
    const edge = await startLocalEdge({ output, host: '127.0.0.1', port: 0, sitePort: 0 });
    for (const country of ['DE', 'US-CA', 'JP', '']) {
      for (const path of ['/distfiles/a', '/distfiles/b', '/distfiles']) {
        const query = `mirrorlist=json&ip=192.0.2.1&scheme=https${country === '' ? '' : `&country=${country}`}`;
        const list = (await (await fetch(`${edge.url}${path.slice(1)}?${query}`)).json()) as EdgeList;
        const { considered } = await ask(path, country);
        const urls = (some: readonly { url: string }[]) => some.map(({ url }) => new URL(url, 'https://x/').host);
        const candidates = considered.filter(({ reason }) => reason === '');
        const listed = list.candidates.filter(({ accessPoint }) => accessPoint !== undefined);
        expect(urls(candidates)).toEqual(urls(listed));
        const leftOut = list.excluded.map(({ url }) => `https://${url}`);
        const after = considered.slice(candidates.length, candidates.length + leftOut.length);
        expect(after.map(({ url }) => url)).toEqual(leftOut);
      }
    }
    expect((await fetch(`${edge.siteUrl}none`)).status).toBe(404);
    writeFileAtomic(join(outputLayout.site(output), '404.html'), '<p>Not here');
    const missing = await fetch(`${edge.siteUrl}none`);
    expect([missing.status, missing.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
    expect(await missing.text()).toBe('<p>Not here');
    await edge.close();
  });

  it('explains what goes to the fallback', async () => {
    const found = await ask('/distfiles/none', 'DE');
    expect(found).toMatchObject({
      known: false,
      location: `${FALLBACK}distfiles/none`,
      reason: 'fallback: unknown object',
    });
    expect(found.considered.every(({ reason }) => reason !== '')).toBe(true);
  });

  it('tells of a link that a mirror lacks, and of an object that nobody holds', async () => {
    const found = await ask('/distfiles/flat', 'JP');
    expect(row(found, 'jp-flat')).toMatchObject({ holds: false, holdsTarget: true, tier: 0, reason: '' });
    expect(found.location).toBe('https://jp-flat/gentoo/distfiles/ab/flat');
    expect(explanationText(found)).toContain('✓ its target jp-flat.https (tier 0');
    const nobodys = explanationText(await ask('/distfiles/nobodys', 'DE'));
    expect(nobodys).toMatch(/^distfiles\/nobodys: known, and held by nobody; /);
  });

  it('names the other scheme where nobody holds an object over this one', async () => {
    const found = await ask('/distfiles/a', 'DE', 'http');
    expect(found).toMatchObject({ held: true, location: `${FALLBACK}distfiles/a` });
    expect(explanationText(found)).toMatch(/over https [1-6] hold it: --scheme https/);
    expect(explanationText(await ask('/distfiles/a', 'DE'))).not.toContain('--scheme');
  });

  it('leaves a query aside, calls the root by its name, and refuses what is no address', async () => {
    const [plain, asked] = [await ask('/distfiles/a', 'DE'), await ask('/distfiles/a?mirrorlist', 'DE')];
    expect(asked).toEqual(plain);
    expect(explanationText(await ask('', 'DE'))).toMatch(/^\/: /);
    await expect(ask('/distfiles/a', 'DE', 'https', 'nonsense')).rejects.toThrow('--ip "nonsense": not an address');
  });

  it('shows what is no path without what could do harm on a terminal', async () => {
    const text = explanationText(await ask('/distfiles/\u001b[31m\n%zz', 'DE'));
    expect(text.split('\n')[0]).toMatch(/^"\/distfiles\/\\u001b\[31m\\n%zz": not known; /);
    expect(text).not.toContain('\u001b');
  });

  it('refuses what is no country, naming it and what is allowed', async () => {
    const args = ['lookup', '/distfiles/a', '--output', output, '--country', 'California'];
    const failure = await run(process.execPath, [redirector, ...args]).catch((error) => error);
    expect(failure).toMatchObject({ code: 2 });
    expect(failure.stderr).toBe(
      '--country "California": not a country; allowed: ISO 3166-1 codes like DE, or ISO 3166-2 codes like US-CA\n',
    );
  });
});
