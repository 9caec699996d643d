import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type Answer,
  KNOWN_BYTES,
  KNOWN_PATH,
  LAYOUT,
  reply,
  STAMP_S,
  startMirror,
  type TestMirror,
} from '../checker/probe/testing/mirror.ts';
import { decodeLiveness } from '../core/formats/liveness-file.ts';
import { decodeStatus } from '../core/formats/status-file.ts';
import { LAYOUT_PATH, STAMP_PATH } from '../core/master-files.ts';
import { outputLayout } from '../core/output-layout.ts';
import { loadBuiltFunction, parseKeys } from '../edge-shim/built-function.ts';
import { mirrorListXml } from './mirror-list.ts';

const run = promisify(execFile);
const redirector = fileURLToPath(new URL('../redirector.js', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'redirector-liveness-'));
const output = join(work, 'output');
const mirrors: TestMirror[] = [];
/** What the second mirror does; null = as it should. */
let fault: Answer | null = null;

async function command(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const shared = ['--config', join(work, 'redirector.toml'), '--output', output];
  try {
    return { code: 0, ...(await run(process.execPath, [redirector, ...args, ...shared])) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

beforeAll(async () => {
  const tree = join(work, 'tree');
  mkdirSync(join(tree, 'distfiles/ab'), { recursive: true });
  writeFileSync(join(tree, KNOWN_PATH), Buffer.alloc(KNOWN_BYTES));
  writeFileSync(join(tree, LAYOUT_PATH), LAYOUT);
  writeFileSync(join(tree, STAMP_PATH), `${STAMP_S}\n`);
  mirrors.push(await startMirror(), await startMirror((...both) => fault?.(...both)));
  const listed = mirrors.map(({ url }) => ({ name: 'm', country: 'DE', urls: [url] }));
  writeFileSync(join(work, 'list.xml'), mirrorListXml(listed));
  writeFileSync(
    join(work, 'redirector.toml'),
    'fallback = "https://fallback.example.org/"\n[[inventory]]\nfrom = "tree"\n[mirrors]\nlist = "list.xml"\n[check]\ntimeout = "2s"\n[[vantage]]\nname = "europe"\ncountry = "DE"\n[[vantage]]\nname = "america"\ncountry = "US"\n',
  );
  expect((await command('inventory')).code).toBe(0);
  expect((await command('check')).code).toBe(0);
});
afterAll(async () => {
  for (const mirror of mirrors) await mirror.close();
  rmSync(work, { recursive: true, force: true });
});

/** How many are up by `meta`, the site's states, and whether viewers are sent to the second one. */
async function built() {
  expect((await command('build')).code).toBe(0);
  const keys: { data: { key: string; value: string }[] } = JSON.parse(
    readFileSync(outputLayout.edgeKeys(output), 'utf8'),
  );
  const meta = keys.data
    .find(({ key }) => key === 'meta')
    ?.value.split(' ')
    .at(5) as string;
  const file = outputLayout.siteData(output);
  const status = decodeStatus(readFileSync(file, 'utf8'), file);
  return {
    up: Number.parseInt(meta, 16).toString(2).replaceAll('0', '').length,
    states: status.mirrors.flatMap(({ accessPoints }) => accessPoints.map(({ state, reason }) => `${state} ${reason}`)),
    getsViewers: await getsViewers(`http://127.0.0.1:${mirrors[1]?.port}/`),
  };
}

/** Whether one of 100 viewers is sent there, by the built function over the built keys. */
async function getsViewers(root: string): Promise<boolean> {
  const [code, keys] = [outputLayout.edgeFunction(output), outputLayout.edgeKeys(output)];
  const run = loadBuiltFunction(readFileSync(code, 'utf8'), parseKeys(readFileSync(keys, 'utf8'), keys), code);
  for (let i = 0; i < 100; i++) {
    const answer = await run({
      version: '1.0',
      context: { eventType: 'viewer-request' },
      viewer: { ip: `10.0.${i}.1` },
      request: {
        method: 'GET',
        uri: `/${STAMP_PATH}`,
        querystring: {},
        headers: { 'cloudfront-viewer-country': { value: 'DE' }, 'cloudfront-forwarded-proto': { value: 'http' } },
        cookies: {},
      },
    });
    if (answer.headers['location']?.value.startsWith(root)) return true;
  }
  return false;
}

it('a mirror that a probe finds down gets no viewers from the next build on, until a clean probe', async () => {
  const asChecked = { up: 2, states: ['up ', 'up '], getsViewers: true };
  expect(await built()).toEqual(asChecked);

  fault = ({ url }, response) =>
    url?.includes('no-such-file') === true && reply(response, 200, Buffer.from('the page was not found'));
  const { code, stdout } = await command('probe');
  expect(code).toBe(0);
  expect(stdout).toContain('○ down');
  expect(stdout).toContain("answers 200 to names that don't exist");
  expect(stdout).toMatch(/probe: 2 access points \(1 up, 0 failing, 1 down\) with \d+ requests in \d+\.\d s/);
  const states = ['up ', "down answers 200 to names that don't exist"];
  const down = { up: 1, getsViewers: false };
  const found = await built();
  expect({ ...found, states: found.states.sort() }).toEqual({ ...down, states: states.sort() });

  fault = null;
  const again = await command('probe', '--json', '--quiet');
  expect(JSON.parse(again.stdout).accessPoints).toMatchObject([
    { liveness: { state: 'up' } },
    { liveness: { state: 'up' } },
  ]);
  expect(await built()).toEqual(asChecked);
});

it('one mirror can be probed alone, and one that is not there is named', async () => {
  const file = outputLayout.liveness(output);
  const [first] = decodeLiveness(readFileSync(file, 'utf8'), file).accessPoints;
  const id = first?.accessPointId.replace(/\.http$/, '') as string;
  const { stdout } = await command('probe', '--json', '--quiet', '--mirror', id);
  expect(JSON.parse(stdout).accessPoints).toHaveLength(1);
  const unknown = await command('probe', '--mirror', 'nobody.example');
  expect(unknown).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--mirror nobody.example: no such mirror'),
  });
});

it('a mirror that is cut off from one place alone keeps its viewers, once the vantages’ probes are merged', {
  timeout: 120_000,
}, async () => {
  for (const vantage of ['europe', 'america']) {
    expect(await command('probe', '--vantage', vantage)).toMatchObject({ code: 0 });
  }
  fault = (_, response) => reply(response, 503, 0);
  expect((await command('probe')).stdout).toContain('○ down');
  expect(await built()).toMatchObject({ up: 1, getsViewers: false });
  const merged = await command('merge');
  expect(merged.stdout).toContain('2 files of probes into 2 access points');
  expect(await built()).toMatchObject({ up: 2, states: ['up ', 'up '], getsViewers: true });
  // Its next probe is one voice among them; when the others see it too it is down.
  expect((await command('probe')).code).toBe(0);
  expect(await built()).toMatchObject({ up: 2, getsViewers: true });
  for (const vantage of ['europe', 'america']) await command('probe', '--vantage', vantage);
  expect((await command('merge')).code).toBe(0);
  expect(await built()).toMatchObject({ up: 1, getsViewers: false });
  fault = null;
  expect(await command('probe', '--vantage', 'nowhere')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('nowhere'),
  });
});

it('the stamp is compared with the master’s as it is now, not as it was at the inventory', async () => {
  writeFileSync(join(work, 'tree', STAMP_PATH), `${STAMP_S + 31 * 3600}\n`);
  const { code, stdout } = await command('probe');
  expect(code).toBe(0);
  expect(stdout.match(/stamp is 31 h behind the master/g)).toHaveLength(2);
});
