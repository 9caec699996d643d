import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { outputLayout } from '../core/output-layout.ts';
import { buildOutput } from './built-output.ts';
import { FakeClock } from './cloudfront-emulator/clock.ts';
import { CloudFrontEmulator } from './cloudfront-emulator/emulator.ts';
import { eventFor } from './cloudfront-emulator/publication.ts';
import { DURATIONS } from './cloudfront-emulator/quotas.ts';
import { runHere } from './front-door.ts';
import { FALLBACK, inventoryOf, mirrorsIn } from './small-build.ts';
import { seeded } from './synthetic.ts';

const NAMES = Array.from({ length: 60 }, (_, i) => `distfiles/a%2B${i}.tar.xz`);
const SECRETS = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'not-for-anybodys-eyes' };

/** Three public mirrors, and one in Germany that serves networks of its own. */
const fleet = (down: boolean) =>
  mirrorsIn(['DE', 'US', 'JP', 'DE'], NAMES.length, (n) => ({
    holds: (id) => (id + n) % 4 !== 0,
    state: down && n === 0 ? 'down' : 'up',
    ...(n === 3 ? { host: 'own.example.org', networks: ['198.51.100.0/24', '2001:db8:1::/48'] } : {}),
  }));

let work: string;
let output: string;
let clock: FakeClock;
let emulator: CloudFrontEmulator;
let distribution: string;
const before = { ...process.env };
beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'redirector-cloudfront-'));
  output = join(work, 'output');
  clock = new FakeClock(Date.now() - 600_000);
  const credentials = new Map([['AKIDEXAMPLE', { state: 'valid' as const }]]);
  emulator = await CloudFrontEmulator.start({ clock, credentials });
  emulator.account.createStore('redirector', '', clock.nowMs());
  clock.advance(DURATIONS.provisioningMs);
  distribution = emulator.account.addDistribution();
  const target = `name = "edge"\ntype = "cloudfront"\ndistribution = "${distribution}"\n`;
  writeFileSync(
    join(work, 'redirector.toml'),
    `fallback = "${FALLBACK}"\n[[inventory]]\nfrom = "tree"\n[[publish.target]]\n${target}`,
  );
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, SECRETS, {
    AWS_ENDPOINT_URL_CLOUDFRONT: emulator.endpoint,
    AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE: emulator.endpoint,
    AWS_EC2_METADATA_DISABLED: 'true',
    HOME: work,
  });
  await buildOutput(output, inventoryOf(NAMES), fleet(false));
});
afterEach(async () => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  await emulator.close();
  rmSync(work, { recursive: true, force: true });
});

const run = (...args: string[]) => runHere(...args, '--config', join(work, 'redirector.toml'), '--output', output);

/** Where viewers in Germany are sent, by host, once all has spread; from an address of their own, if it is given. */
async function hosts(ip?: string): Promise<Set<string>> {
  clock.advance(60_000);
  const edge = emulator.edge('FRA');
  const found = new Set<string>();
  for (const name of NAMES) {
    const event = eventFor(name, seeded(1));
    const headers = { ...event.request.headers, 'cloudfront-viewer-country': { value: 'DE' } };
    const viewer = ip === undefined ? event.viewer : { ip };
    const answer = await edge.answer('redirector', { ...event, viewer, request: { ...event.request, headers } });
    found.add(new URL(answer?.headers['location']?.value as string).hostname);
  }
  return found;
}

const filesBelow = (folder: string) =>
  readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((file) => statSync(file).isFile());

describe('redirector publish with a target "cloudfront"', () => {
  it('tells the price, publishes, takes a dead mirror out with one call, and rolls back', async () => {
    const plan = await run('publish', '--dry-run');
    expect(plan.code).toBe(0);
    expect(plan.stdout).toMatch(
      /edge: \d+ keys new, 0 changed, 0 removed, [\d,]+ bytes; function changes; \d+ calls, 0\.00\d USD/,
    );
    expect(plan.stderr).toMatch(
      /edge: \d+ keys to add, 0 to change, 0 to delete, \d+ calls, \$0\.00\d; the function "redirector" is published for the first time/,
    );
    expect(emulator.account.store('redirector').items.size).toBe(0);

    const first = await run('publish');
    expect(first.code, first.stderr).toBe(0);
    expect(first.stderr).toMatch(/edge: \d+ keys added, 0 changed; \d+ calls, \$0\.00\d/);
    expect(first.stderr).toMatch(/edge: function published; 9 tests took at most 8 % of the time allowed/);
    expect(emulator.account.invalidations.get(distribution)?.flatMap(({ paths }) => paths)).toContain(
      '/site/index.html',
    );
    expect((await hosts()).has('de.example.org')).toBe(true);
    expect((await hosts()).has('own.example.org')).toBe(false);
    for (const ip of ['198.51.100.7', '2001:db8:1:2::3']) expect((await hosts(ip)).has('own.example.org')).toBe(true);

    await buildOutput(output, inventoryOf(NAMES), fleet(true), Date.now() + 1000);
    emulator.calls.length = 0;
    const second = await run('publish');
    expect(second.code, second.stderr).toBe(0);
    expect(emulator.calls.filter(({ plane }) => plane === 'data').map(({ action }) => action)).toEqual(['UpdateKeys']);
    expect(second.stderr).toMatch(/edge: 0 keys added, 1 changed; \d+ calls, \$0\.001/);
    expect(second.stderr).toMatch(/edge: the function is live already/);
    const pages = emulator.account.invalidations.get(distribution)?.at(-1)?.paths;
    expect(pages).toEqual(['/site/', '/site/index.html']);
    expect((await hosts()).has('de.example.org')).toBe(false);

    const back = await run('rollback');
    expect(back.code, back.stderr).toBe(0);
    expect((await hosts()).has('de.example.org')).toBe(true);

    const everything = [plan, first, second, back].map(({ stdout, stderr }) => stdout + stderr).join();
    for (const text of [everything, ...filesBelow(work).map((file) => readFileSync(file, 'latin1'))]) {
      for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
    }
  });

  it('rolls back by itself where the new function takes too much time at the edge', async () => {
    expect((await run('publish')).code).toBe(0);
    const live = emulator.account.function('redirector').live;
    await buildOutput(output, inventoryOf(NAMES), fleet(true), Date.now() + 1000);
    appendFileSync(outputLayout.edgeFunction(output), ';');
    emulator.utilization = 60;
    const { code, stderr } = await run('publish', '--quiet');
    expect(code).toBe(1);
    expect(stderr).toMatch(/takes 60 % of the compute time that is allowed, more than 23 %; what is live stays/);
    expect(stderr).toMatch(/Rolled back to release 20/);
    expect(emulator.account.function('redirector').live).toBe(live);
    expect((await hosts()).has('de.example.org')).toBe(true);
  });

  it.each([
    [
      'no credentials',
      { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
      2,
      /no AWS credentials were found/,
    ],
    ['a wrong access key', { AWS_ACCESS_KEY_ID: 'AKIDOTHER' }, 1, /AWS does not know the access key/],
    [
      'a service out of reach',
      { AWS_ENDPOINT_URL_CLOUDFRONT: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' },
      1,
      /cannot be reached from here/,
    ],
  ])('with %s changes nothing anywhere', async (_, environment, code, sentence) => {
    for (const [name, value] of Object.entries(environment)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    const ran = await run('publish', '--quiet');
    expect([ran.code, ran.stderr]).toEqual([code, expect.stringMatching(sentence)]);
    expect(emulator.account.store('redirector').items.size).toBe(0);
    expect(existsSync(join(output, 'published', 'current'))).toBe(false);
  });
});
