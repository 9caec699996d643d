import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Outcome } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import { startLocalEdge } from '../edge-shim/local-edge.ts';
import type { Evidence } from '../generator/maps/evidence.ts';
import type { ReleaseManifest } from '../generator/publish/contract.ts';
import { buildOutput } from './built-output.ts';
import { runHere } from './front-door.ts';
import { evidenceOf, FALLBACK, inventoryOf } from './small-build.ts';

const redirector = fileURLToPath(new URL('../redirector.js', import.meta.url));
const KILLS = 5;
const NAMES = ['', 'distfiles/', ...Array.from({ length: 300 }, (_, i) => `distfiles/${i % 8}/a%2B${i}.tar.xz`)];

/** Nine access points over both schemes; `lost` of the objects are at none of them, `down` mirrors are down. */
function fleet(count: number, { lost = 0, down = [] as number[] } = {}): Evidence[] {
  return ['DE', 'FR', 'US', 'JP', 'BR'].flatMap((country, n) =>
    (['https', 'http'] as const).map((protocol) =>
      evidenceOf(count, {
        host: `${country.toLowerCase()}.example.org`,
        country,
        protocol,
        holds: (id) => id < count - lost && (id + n) % 5 !== 0,
        state: down.includes(n) ? 'down' : 'up',
      }),
    ),
  );
}

let work: string;
let output: string;
beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'redirector-publish-'));
  output = join(work, 'output');
  configure();
  await buildOutput(output, inventoryOf(NAMES), fleet(NAMES.length));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const configure = (more = '') =>
  writeFileSync(join(work, 'redirector.toml'), `fallback = "${FALLBACK}"\n[[inventory]]\nfrom = "tree"\n${more}`);
const origin = () => join(output, 'published');
const current = () => readlinkSync(join(origin(), 'current')).replace('releases/', '');

const run = (...args: string[]) => runHere(...args, '--config', join(work, 'redirector.toml'), '--output', output);

async function done(...args: string[]) {
  const { code, stdout, stderr } = await run(...args, '--json', '--quiet');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

/** Every file of the current release against its manifest. */
function assertWhole(root = origin()): ReleaseManifest {
  const folder = join(root, 'current');
  const manifest: ReleaseManifest = JSON.parse(readFileSync(join(folder, 'release.json'), 'utf8'));
  const found = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((path) => statSync(join(folder, path)).isFile() && path !== 'release.json');
  expect(found.sort()).toEqual(manifest.files.map(({ path }) => path));
  for (const { path, sha256 } of manifest.files) {
    expect(
      createHash('sha256')
        .update(readFileSync(join(folder, path)))
        .digest('hex'),
      path,
    ).toBe(sha256);
  }
  return manifest;
}

describe('publish', () => {
  it('proves what was built and makes it the current release; nothing new is nothing new', async () => {
    const first = await done('publish');
    expect(first).toMatchObject({ result: 'published', before: null, removed: [] });
    expect(first.replay).toMatchObject({ wrong: 0, missed: 0, objects: NAMES.length });
    expect(first.uploads).toEqual([{ target: 'published', files: first.files, bytes: expect.any(Number) }]);
    const manifest = assertWhole();
    expect(manifest).toMatchObject({ id: first.releaseId, forced: null, figures: { objects: NAMES.length, up: 10 } });
    for (const path of [
      'edge/function.js',
      'edge/kvs.json',
      'maps/DE.msgpack',
      'maps/objects.msgpack',
      'site/index.html',
    ]) {
      expect(manifest.files.map((file) => file.path)).toContain(path);
    }
    expect(await done('publish')).toMatchObject({ result: 'unchanged', releaseId: first.releaseId });
    expect(readdirSync(origin()).sort()).toEqual(['current', 'publications.json', 'releases']);
  });

  it('sends only what changed, keeps the last releases, and rolls back', async () => {
    configure('[publish]\nkeep = 2\n');
    const { releaseId: first } = await done('publish');
    const ids = [first];
    for (const hours of [1, 2, 3]) {
      await buildOutput(output, inventoryOf(NAMES), fleet(NAMES.length), Date.now() + hours);
      const next = await done('publish');
      expect(next.before).toBe(ids.at(-1));
      // Keys, object table, the page and the data tell their time; regions' maps stay while nothing in them changes.
      expect(next.uploads[0].files).toBe(4);
      expect(next.changed).toBe(4);
      ids.push(next.releaseId);
    }
    expect(readdirSync(join(origin(), 'releases')).sort()).toEqual(ids.slice(-2));
    const [before, last] = ids.slice(-2) as [string, string];
    const about = (id: string) => statSync(join(origin(), 'releases', id, 'site/about.html')).ino;
    expect(about(before)).toBe(about(last));

    expect(await done('rollback', '--reason', 'a try')).toMatchObject({ from: last, to: before });
    expect(current()).toBe(before);
    assertWhole();
    const [{ releases }] = await done('releases');
    expect(releases.map((one: { id: string; isCurrent: boolean }) => [one.id, one.isCurrent])).toEqual([
      [last, false],
      [before, true],
    ]);
    expect(releases[1].publications.at(-1)).toMatchObject({ action: 'rollback', state: 'done', reason: 'a try' });
    expect((await run('rollback')).stderr).toMatch(/no release before .* to roll back to/);
    expect(await done('rollback', '--to', last)).toMatchObject({ from: before, to: last });
    const { code, stderr } = await run('rollback', '--to', 'nonsense');
    expect([code, stderr]).toEqual([2, expect.stringContaining(`there are: ${last}, ${before}`)]);
    expect(current()).toBe(last);
  });

  it('shows what others wrote into the log without its control characters', async () => {
    await done('publish');
    const file = join(origin(), 'publications.json');
    const log = JSON.parse(readFileSync(file, 'utf8'));
    log.publications[0].by = 'eve\u001b[31m\u202e';
    log.publications[0].reason = 'a\r\nfake line';
    writeFileSync(file, JSON.stringify(log));
    const { stdout } = await run('releases');
    expect(stdout).toContain('by eve?[31m? to published: a??fake line\n');
    writeFileSync(file, '{');
    expect(await run('releases')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/publications\.json: .*; move it away: /),
    });
  });

  it('is what a local edge serves, from the moment it is switched', async () => {
    await done('publish');
    const edge = await startLocalEdge({ output: join(origin(), 'current'), host: '127.0.0.1', port: 0, sitePort: 0 });
    try {
      const ask = async () =>
        (await fetch(`${edge.url}distfiles/1/a%2B1.tar.xz?country=DE`, { redirect: 'manual' })).headers.get('location');
      expect(await ask()).toBe('http://de.example.org/gentoo/distfiles/1/a%2B1.tar.xz');
      await buildOutput(output, inventoryOf(NAMES), fleet(NAMES.length, { down: [0] }), Date.now() + 1000);
      expect(await ask()).toBe('http://de.example.org/gentoo/distfiles/1/a%2B1.tar.xz');
      await done('publish');
      expect(await ask()).toBe('http://fr.example.org/gentoo/distfiles/1/a%2B1.tar.xz');
      await done('rollback');
      expect(await ask()).toBe('http://de.example.org/gentoo/distfiles/1/a%2B1.tar.xz');
    } finally {
      await edge.close();
    }
  });

  it('is what "serve" serves, unless it is told to serve what was built', async () => {
    await done('publish');
    writeFileSync(join(outputLayout.site(output), 'about.html'), 'built, but not published');
    for (const [args, page] of [
      [[], '<title>the same for ever</title>\n'],
      [['--built'], 'built, but not published'],
    ] as const) {
      const argv = [redirector, 'serve', ...args, '--port', '0', '--site-port', '0', '--output', output, '--json'];
      const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
      const [printed] = await once(child.stdout, 'data');
      const { site } = JSON.parse(String(printed));
      expect(await (await fetch(`${site}about.html`)).text()).toBe(page);
      child.kill('SIGINT');
      await once(child, 'exit');
    }
  });

  it('that is interrupted says so, and leaves nothing in the way', async () => {
    await done('publish');
    await buildOutput(output, inventoryOf(NAMES), fleet(NAMES.length), Date.now() + 1000);
    const before = current();
    const argv = [redirector, 'publish', '--config', join(work, 'redirector.toml'), '--output', output];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    await expect.poll(() => existsSync(join(origin(), 'lock.json')), { timeout: 20_000, interval: 2 }).toBe(true);
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    // It may have been done a moment before.
    if (code === 0) expect(current()).not.toBe(before);
    else expect([code, stderr]).toEqual([130, expect.stringContaining('interrupted; what was done is kept')]);
    assertWhole();
    expect(existsSync(join(origin(), 'lock.json'))).toBe(false);
  });

  it('with --dry-run proves all and changes nothing', async () => {
    const plan = await done('publish', '--dry-run');
    expect(plan).toMatchObject({ result: 'dry run', uploads: [], steps: [] });
    expect(plan.replay.answers).toBeGreaterThan(NAMES.length);
    expect(existsSync(origin())).toBe(false);
  });

  it('says what is missing where nothing was built', async () => {
    rmSync(outputLayout.edgeKeys(output));
    const { code, stderr } = await run('publish', '--quiet');
    expect(code).toBe(2);
    expect(stderr).toBe(`${outputLayout.edgeKeys(output)}: nothing built yet; run "redirector run" first\n`);
  });
});

describe('the guards', () => {
  it('refuse a tree that lost much of what it had, unless a person forces it with a reason that is kept', async () => {
    const { releaseId: first } = await done('publish');
    const fewer = NAMES.slice(0, 200);
    await buildOutput(output, inventoryOf(fewer), fleet(fewer.length, { lost: 100 }), Date.now() + 1000);
    const refused = await run('publish', '--quiet');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /^not published: objects: 200 objects after 302: 34 % lost, allowed 10 %; presence: /,
    );
    expect(refused.stderr).toContain('publish with --force --reason "…"');
    expect(current()).toBe(first);

    expect(await run('publish', '--force')).toMatchObject({ code: 2, stderr: expect.stringContaining('--reason') });
    const forced = await done('publish', '--force', '--reason', 'the tree was halved');
    expect(forced.before).toBe(first);
    const [{ releases }] = await done('releases');
    expect(releases[0].forced).toEqual({
      reason: 'the tree was halved',
      objections: [expect.stringMatching(/^objects: /), expect.stringMatching(/^presence: /)],
    });
    expect((await run('releases')).stdout).toContain('forced: the tree was halved');
    expect(assertWhole().forced?.reason).toBe('the tree was halved');
  });

  it('refuse maps of mirrors that are all down', async () => {
    await done('publish');
    await buildOutput(output, inventoryOf(NAMES), fleet(NAMES.length, { down: [0, 1, 2, 3, 4] }), Date.now() + 1000);
    const { code, stderr } = await run('publish', '--quiet');
    expect(code).toBe(1);
    expect(stderr).toContain('candidates: no region has a candidate');
  });
});

describe('the replay', () => {
  it('stops keys that claim what nobody has seen, and --force does not help', async () => {
    const { releaseId: first } = await done('publish');
    const evidence = fleet(NAMES.length);
    await buildOutput(output, inventoryOf(NAMES), evidence, Date.now() + 1000);
    const keys = readFileSync(outputLayout.edgeKeys(output));
    const table = readFileSync(outputLayout.objectTable(output));
    // What was checked since knows better: one object is gone from one mirror.
    const [one] = evidence as [Evidence];
    one.presence[7] = Outcome.absent;
    await buildOutput(output, inventoryOf(NAMES), evidence, Date.now() + 1000);
    writeFileSync(outputLayout.edgeKeys(output), keys);
    writeFileSync(outputLayout.objectTable(output), table);
    for (const args of [[], ['--force', '--reason', 'I know']]) {
      const { code, stderr } = await run('publish', '--quiet', ...args);
      expect(code).toBe(1);
      expect(stderr).toContain('replayed answers are wrong: /distfiles/5/a%2B5.tar.xz: ');
      expect(stderr).toContain('https://de.example.org/gentoo/ is not known to hold it');
    }
    expect(current()).toBe(first);
    expect(readdirSync(join(origin(), 'releases'))).toEqual([first]);
  });
});

describe('two publishers at once', () => {
  it('the second is refused, naming the first', async () => {
    await done('publish');
    await buildOutput(output, inventoryOf(NAMES), fleet(NAMES.length), Date.now() + 1000);
    // From another output folder, so that it is the origin's lock that tells.
    const other = join(work, 'other');
    await buildOutput(other, inventoryOf(NAMES), fleet(NAMES.length), Date.now() + 2000);
    configure(`[[publish.target]]\nname = "here"\ntype = "directory"\nfolder = "${origin()}"\n`);
    const argv = [redirector, 'publish', '--config', join(work, 'redirector.toml'), '--output'];
    const first = spawn(process.execPath, [...argv, output], { stdio: 'ignore' });
    const ended = new Promise((resolve) => first.on('exit', resolve));
    await expect.poll(() => existsSync(join(origin(), 'lock.json')), { timeout: 20_000, interval: 2 }).toBe(true);
    first.kill('SIGSTOP');
    const second = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
      execFile(process.execPath, [...argv, other, '--quiet'], (error, _, stderr) =>
        resolve({ code: error?.code, stderr }),
      );
    });
    first.kill('SIGCONT');
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(
      `somebody publishes there already ("redirector publish", process ${first.pid}, since 20`,
    );
    expect(await ended).toBe(0);
    assertWhole();
  });
});

describe('--verify-url', () => {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  it('looks up through the hostname, and finds the new map there', async () => {
    await done('publish');
    const edge = await startLocalEdge({ output: join(origin(), 'current'), host: '127.0.0.1', port: 0, sitePort: 0 });
    closers.push(edge.close);
    await buildOutput(output, inventoryOf(NAMES), fleet(NAMES.length), Date.now() + 2000);
    const { lookUps } = await done('publish', '--verify-url', edge.url);
    expect(lookUps).toEqual({ lookUps: 60, waitedMs: 0 });
  });

  it('rolls back where the hostname goes on answering by an old map', async () => {
    const { releaseId: first } = await done('publish');
    const old = join(origin(), 'releases', first);
    const edge = await startLocalEdge({ output: old, host: '127.0.0.1', port: 0, sitePort: 0 });
    closers.push(edge.close);
    await buildOutput(output, inventoryOf(NAMES), fleet(NAMES.length), Date.now() + 2000);
    const { code, stderr } = await run('publish', '--quiet', '--verify-url', edge.url, '--verify-patience', '1s');
    expect(code).toBe(1);
    expect(stderr).toMatch(/still answers by the map of \S+Z, not of \S+Z after 2 s\. Rolled back to release /);
    expect(current()).toBe(first);
    const [{ releases }] = await done('releases');
    expect(releases[0].publications.at(-1)).toMatchObject({ state: 'withdrawn' });
    expect((await run('releases')).stdout).toMatch(
      /publish withdrawn, 20\S+ by \S+ to published: http:.* still answers/,
    );
  });

  it('rolls back where a look-up leads to who does not hold the object', async () => {
    const { releaseId: first } = await done('publish');
    await buildOutput(output, inventoryOf(NAMES), fleet(NAMES.length), Date.now() + 2000);
    const liar = createServer((request, response) => {
      const builtAtS = Number(JSON.parse(readFileSync(outputLayout.siteData(output), 'utf8')).builtAtMs) / 1000;
      const path = request.url?.replace(/\?.*/, '') as string;
      if (request.url?.includes('mirrorlist')) response.end(JSON.stringify({ builtAtS: Math.floor(builtAtS) }));
      else response.writeHead(302, { location: `http://de.example.org/gentoo${path}` }).end();
    }).listen(0, '127.0.0.1');
    await once(liar, 'listening');
    closers.push(async () => void liar.close());
    const { port } = liar.address() as AddressInfo;
    const { code, stderr } = await run('publish', '--quiet', '--verify-url', `http://127.0.0.1:${port}`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/\d+ of 60 look-ups are wrong: \/.* is not known to hold it.*Rolled back to release /);
    expect(current()).toBe(first);
  });

  it('that is no URL is refused', async () => {
    const { code, stderr } = await run('publish', '--verify-url', 'example.org');
    expect([code, stderr]).toEqual([2, expect.stringContaining('allowed: an http or https URL without query')]);
  });
});

describe('a publish that is killed', () => {
  it(`at ${KILLS} random moments leaves a whole release, and the next one completes`, {
    timeout: 180_000,
  }, async () => {
    await done('publish');
    const argv = [redirector, 'publish', '--config', join(work, 'redirector.toml'), '--output', output, '--quiet'];
    const start = () => {
      const child = spawn(process.execPath, argv, { stdio: 'ignore' });
      return { child, ended: once(child, 'exit') };
    };
    await buildOutput(output, inventoryOf(NAMES), fleet(NAMES.length), Date.now() + 1000);
    const startedMs = Date.now();
    await start().ended;
    const wholeMs = Date.now() - startedMs;
    let killedAtWork = 0;
    for (let i = 0; i < KILLS; i++) {
      await buildOutput(output, inventoryOf(NAMES), fleet(NAMES.length), Date.now() + 2000 + i * 1000);
      const before = current();
      const { child, ended } = start();
      await delay(wholeMs * (0.4 + (0.7 * (i + Math.random())) / KILLS));
      child.kill('SIGKILL');
      await ended;
      if (existsSync(join(origin(), 'lock.json'))) killedAtWork++;
      const { id } = assertWhole();
      expect([before, id]).toContain(current());
    }
    await done('publish');
    assertWhole();
    expect(readdirSync(origin()).sort()).toEqual(['current', 'publications.json', 'releases']);
    expect(existsSync(outputLayout.lock(output))).toBe(false);
    // Else the moments were no test.
    expect(killedAtWork).toBeGreaterThan(1);
  });
});
