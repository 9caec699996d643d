import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../core/errors.ts';
import type { AccessPoint } from '../core/mirror.ts';
import { Outcome } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import { keep } from '../test/keep.ts';
import { tempFolder } from '../test/temp-folder.ts';
import { judge } from './mirror-check.ts';
import type { CheckOptions } from './run.ts';
import { DAY_MS, harness, methodsOf, mirror } from './testing/check.ts';
import { indexPage, indexRow, withBody } from './testing/index-pages.ts';
import { testFiles, testInventory } from './testing/inventory.ts';
import { answer, fine, orNotFound, plantFiles, scripted, startNginx, startRsyncDaemon } from './testing/servers.ts';

const FILES = testFiles(300);

describe('a check', () => {
  test('writes a file for each access point, counts, and tells of each', async () => {
    const server = await scripted((socket, path) => {
      const status = path.endsWith('9') ? 503 : path.endsWith('1') ? 404 : 200;
      socket.write(orNotFound(path, answer(status, { 'Content-Length': 7 })));
    });
    const check = harness(FILES, [mirror('m', 'gopher://m/', server.url), mirror('dead', 'http://127.0.0.1:1/')]);
    const summary = await check.run();
    expect(summary.accessPoints).toMatchObject([
      {
        accessPointId: 'm.http',
        method: 'http-head',
        present: 240,
        absent: 30,
        different: 0,
        failed: 30,
        asked: 300,
        state: 'failing',
        reason: '30 of 300 checks failed, most for: answers 503 (service unavailable)',
      },
      { accessPointId: 'dead.http', failed: 300, state: 'down', reason: 'connection refused' },
    ]);
    expect(summary).toMatchObject({ notChecked: { gopher: 1 }, interrupted: false });
    expect(summary.totals).toMatchObject({ present: 240, absent: 30, failed: 330, asked: 600 });
    expect(check.advanced()).toBe(600);
    expect(check.notes).toContainEqual('1 access points not checked yet: no method for gopher');
    const line = /^m\.http: 240 present, 30 absent, 0 different, 30 failed in \d+\.\d s; failing: 30 of 300/;
    expect(check.notes).toContainEqual(expect.stringMatching(line));
    expect(readdirSync(join(check.output, 'observations')).sort()).toEqual(['dead.http.msgpack', 'm.http.msgpack']);
    const { outcome, liveness, cost, failures } = check.read('m.http');
    expect([outcome[0], outcome[1], outcome[9]]).toEqual([Outcome.present, Outcome.absent, Outcome.none]);
    expect(liveness.state).toBe('failing');
    expect(failures).toEqual(['answers 503 (service unavailable)']);
    expect(cost.requests).toBe(server.paths.length);
    expect(cost.connections).toBe(server.accepted());
  });

  test('keeps the evidence of older checks where it fails', async () => {
    let isBroken = false;
    const server = await scripted((socket, path) =>
      socket.write(isBroken ? answer(500, { 'Content-Length': 0 }) : fine(path)),
    );
    const check = harness(FILES, [mirror('m', server.url)]);
    await check.run();
    isBroken = true;
    const summary = await check.run({ nowMs: () => Date.now() + 8 * DAY_MS });
    expect(summary.accessPoints[0]).toMatchObject({ present: 0, failed: 300, state: 'down' });
    const { outcome, failedAtS, evidenceAtS, liveness } = check.read('m.http');
    expect(outcome.every((code) => code === Outcome.present)).toBe(true);
    expect(failedAtS[5]! - evidenceAtS[5]!).toBeGreaterThan(90);
    expect(liveness.reason).toBe('answers 500 (internal server error) whatever it is asked for');
  });

  test('replaces a torn file, and one of another place, with a note', async () => {
    const server = await scripted((socket, path) => socket.write(fine(path)));
    const check = harness(FILES, [mirror('m', server.url)]);
    await check.run();
    const file = outputLayout.observations(check.output, 'm.http');
    writeFileSync(file, readFileSync(file).subarray(0, 100));
    expect((await check.run()).totals.present).toBe(300);
    expect(check.notes).toContainEqual(
      expect.stringMatching(/m\.http\.msgpack: not a whole msgpack file.*begun anew$/),
    );
    expect(check.read('m.http').outcome[0]).toBe(Outcome.present);
    const moved = harness(FILES, [mirror('m', 'http://127.0.0.1:1/')]);
    await moved.run({ output: check.output });
    expect(moved.notes).toContainEqual(
      expect.stringMatching(/is about "http.*", not "http:\/\/127\.0\.0\.1:1\/"; begun/),
    );
    expect(check.read('m.http').outcome[0]).toBe(Outcome.none);
  });

  test('asks for removed objects last, and leaves out other mirrors and what is not under the prefix', async () => {
    const server = await scripted((socket, path) => socket.write(fine(path)));
    const inventory = testInventory([
      { path: 'releases/a%20b/x', sizeBytes: 7 },
      { path: 'releases/a%20bc', sizeBytes: 7 },
      { path: 'releases/a%20b/gone', sizeBytes: 7 },
    ]);
    inventory.removedAtS[2] = 5;
    const check = harness(inventory, [mirror('m', server.url), mirror('n', server.url)]);
    const summary = await check.run({ chosen: { mirrorIds: ['n'], treePrefix: '/releases/a b/' } });
    expect(summary.accessPoints.map(({ accessPointId, asked }) => [accessPointId, asked])).toEqual([['n.http', 2]]);
    const isHead = (path: string, i: number) => server.methods[i] === 'HEAD' && !path.includes('no-such');
    expect(server.paths.filter(isHead)).toEqual(['/releases/a%20b/x', '/releases/a%20b/gone']);
  });

  test('names a mirror or prefix that is not there', async () => {
    const check = harness(FILES, [mirror('m', 'http://127.0.0.1:1/')]);
    const wrong = (chosen: CheckOptions['chosen']) => check.run({ chosen });
    await expect(wrong({ mirrorIds: ['nobody'], treePrefix: '' })).rejects.toThrow(/no mirror has the id "nobody"/);
    await expect(wrong({ mirrorIds: [], treePrefix: 'distfile' })).rejects.toThrow(/lies under "distfile"/);
    await expect(wrong({ mirrorIds: [], treePrefix: '%zz' })).rejects.toThrow(UsageError);
    for (const treePrefix of ['../..', '..', 'distfiles/../releases', '%2e%2E/', '.%2e'])
      await expect(wrong({ mirrorIds: [], treePrefix }), treePrefix).rejects.toThrow(/leads upward; give a path/);
  });

  test('many mirrors at once, all under way with one signal, without a warning', async () => {
    const server = await scripted((socket, path) => setTimeout(() => socket.write(fine(path)), 20));
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on('warning', listen);
    const check = harness(
      FILES,
      Array.from({ length: 20 }, (_, i) => mirror(`m${i}`, server.url)),
    );
    expect((await check.run()).totals.present).toBe(20 * 300);
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });

  test('a folder that cannot be written ends the whole check, and leaves no socket', async () => {
    const server = await scripted((socket, path) => socket.write(fine(path)));
    const slow = await scripted(() => {});
    const check = harness(FILES, [mirror('m', server.url), mirror('slow', slow.url)]);
    symlinkSync('nowhere', join(check.output, 'observations'));
    const startedAtMs = Date.now();
    await expect(check.run({ timeoutMs: 10_000 })).rejects.toThrow(/observations/);
    expect(slow.accepted()).toBeGreaterThan(0);
    await expect.poll(() => server.open() + slow.open()).toBe(0);
    expect(Date.now() - startedAtMs).toBeLessThan(8000);
  });

  test('interrupted: files hold what was found and is confirmed, nothing more', async () => {
    const abort = new AbortController();
    const server = await scripted((socket, path, _, asked) => {
      if (asked <= 280 || abort.signal.aborted) socket.write(fine(path));
      else abort.abort();
    });
    const later = 'https://127.0.0.1:1/';
    const check = harness(FILES, [mirror('m', server.url, later)]);
    const summary = await check.run({ signal: abort.signal, timeoutMs: 20_000 });
    expect(summary.interrupted).toBe(true);
    expect(summary.accessPoints).toHaveLength(1);
    const { outcome, failedAtS } = check.read('m.http');
    const found = outcome.filter((code) => code === Outcome.present).length;
    expect(found).toBeGreaterThan(0);
    expect(found).toBe(summary.totals.present);
    expect(failedAtS.every((at) => at === 0)).toBe(true);
  });
});

describe('an rsync listing counts for the http access point of its mirror', () => {
  async function pair(change: (httpRoot: string, rsyncRoot: string) => void) {
    const [rsyncRoot, httpRoot] = [keep(tempFolder()).path, keep(tempFolder()).path];
    const sizes: Record<string, number> = {};
    for (let i = 0; i < 400; i++) sizes[`distfiles/f${i}`] = i % 9;
    for (let i = 0; i < 100; i++) sizes[`releases/r${i}`] = 3;
    plantFiles(rsyncRoot, sizes);
    plantFiles(httpRoot, sizes);
    symlinkSync('distfiles', join(rsyncRoot, 'link'));
    symlinkSync('distfiles', join(httpRoot, 'link'));
    change(httpRoot, rsyncRoot);
    const inventory = testInventory([
      ...Object.entries(sizes).map(([path, sizeBytes]) => ({ path, sizeBytes })),
      { path: 'distfiles' },
      { path: 'link', target: 'distfiles', leadsTo: 'distfiles' },
      ...Array.from({ length: 80 }, (_, i) => ({ path: `distfiles/missing${i}`, sizeBytes: 1 })),
    ]);
    const nginx = keep(await startNginx(httpRoot, ''));
    const daemon = keep(await startRsyncDaemon(rsyncRoot));
    const check = harness(inventory, [mirror('m', nginx.url, daemon.url)]);
    return { inventory, check };
  }

  test('where the samples agree', async () => {
    const { check } = await pair(() => {});
    const summary = await check.run({ timeoutMs: 5000 });
    expect(summary.accessPoints.map((point) => [point.accessPointId, point.method])).toEqual([
      ['m.rsync', 'rsync'],
      ['m.http', 'rsync+sample'],
    ]);
    expect(summary.accessPoints[1]).toMatchObject({ present: 502, absent: 80, failed: 0, state: 'up' });
    const found = check.read('m.http');
    const { outcome } = found;
    // 60 of each of three strata, and the two directories.
    expect(methodsOf(found)).toEqual({ 'http-head': 182, 'rsync+sample': 582 - 182 });
    expect([outcome[0], outcome[581]]).toEqual([Outcome.present, Outcome.absent]);
  });

  test('never where it is not whole', async () => {
    const { check } = await pair((_, rsyncRoot) => {
      mkdirSync(join(rsyncRoot, 'locked'));
      chmodSync(join(rsyncRoot, 'locked'), 0);
    });
    const summary = await check.run({ timeoutMs: 5000 });
    expect(summary.accessPoints[0]).toMatchObject({
      method: 'rsync',
      present: 502,
      absent: 0,
      failed: 80,
      state: 'failing',
    });
    expect(summary.accessPoints[0]?.reason).toMatch(/^partial: some of the tree could not be read \(rsync exit 23/);
    expect(summary.accessPoints[1]).toMatchObject({ method: 'http-head', present: 502, absent: 80, failed: 0 });
    expect(methodsOf(check.read('m.http'))).toEqual({ 'http-head': 582 });
  });

  test('and not at all in a part of the tree where they do not', async () => {
    const changed: Record<string, number> = {};
    for (let i = 0; i < 100; i += 2) changed[`releases/r${i}`] = 4;
    const { check, inventory } = await pair((root) => plantFiles(root, changed));
    await check.run({ timeoutMs: 5000 });
    const found = check.read('m.http');
    const { method, methods, outcome } = found;
    const releases = inventory.paths.flatMap((path, id) => (path.startsWith('releases/') ? [id] : []));
    expect(methodsOf({ methods, method: Uint8Array.from(releases, (id) => method[id]!) })).toEqual({
      'http-head': 100,
    });
    expect(releases.filter((id) => outcome[id] === Outcome.different)).toHaveLength(50);
    expect(methodsOf(found)['rsync+sample']).toBe(400 + 80 - 120);
  });
});

describe('index pages count for the http access points of their mirror', () => {
  const COUNT = 1500;
  const inventory = testInventory([
    ...Array.from({ length: COUNT }, (_, i) => ({ path: `distfiles/f${i}`, sizeBytes: i % 9 })),
    { path: 'distfiles' },
  ]);
  const held = (isHeld: (i: number) => boolean) =>
    Object.fromEntries(inventory.paths.flatMap((path, i) => (i < COUNT && isHeld(i) ? [[path, i % 9]] : [])));
  const isHeld = (i: number) => i % 10 !== 0;

  async function nginxWith(sizes: Record<string, number>, directives = ''): Promise<AccessPoint> {
    const root = keep(tempFolder()).path;
    plantFiles(root, sizes);
    const { port, url } = keep(await startNginx(root, directives));
    return mirror(`at${port}`, url).accessPoints[0] as AccessPoint;
  }
  const together = (...accessPoints: AccessPoint[]) => ({ ...mirror('m'), accessPoints });

  test('of the one that has them, and by samples of its sibling', async () => {
    const [first, second] = [await nginxWith(held(isHeld)), await nginxWith(held(isHeld), 'autoindex_exact_size off;')];
    const check = harness(inventory, [together(first, second)]);
    const { accessPoints } = await check.run({ timeoutMs: 5000 });
    for (const point of accessPoints) {
      expect(point).toMatchObject({ present: 1351, absent: 150, different: 0, failed: 0, state: 'up' });
      expect(point.method).toBe('http-listing+sample');
      // Two pages, samples of what is there and what is not and of their GETs, a few objects before all that, a greeting
      // for each of the two, pipelining tried with four of each kind and confirmed with as many, and two last looks.
      expect(point.requests).toBeLessThanOrEqual(2 + 121 + 2 * 4 + 8 + 2 + 4 * 4 + 2 * 4 + 2 * 2);
    }
    expect(methodsOf(check.read(first.id))).toEqual({ 'http-head': 120, 'http-listing': COUNT + 1 - 120 });
    expect(methodsOf(check.read(second.id))).toEqual({
      'http-head': 121,
      'http-listing+sample': COUNT + 1 - 121,
    });
  });

  test('of a sibling that has none where the first has none', async () => {
    const [first, second] = [
      await nginxWith(held(isHeld), 'location / { autoindex off; }'),
      await nginxWith(held(isHeld)),
    ];
    const check = harness(inventory, [together(first, second)]);
    const { accessPoints } = await check.run({ timeoutMs: 5000 });
    expect(accessPoints.map((point) => point.method)).toEqual(['http-head', 'http-listing+sample']);
    expect(accessPoints.map((point) => point.present)).toEqual([1350, 1351]);
  });

  test('not at all for a sibling that holds something else', async () => {
    const [first, second] = [await nginxWith(held(isHeld)), await nginxWith(held((i) => i % 2 === 0))];
    const check = harness(inventory, [together(first, second)]);
    const { accessPoints } = await check.run({ timeoutMs: 5000 });
    expect(accessPoints[1]).toMatchObject({ present: 751, absent: 750, method: 'http-head' });
  });

  test('not at all where names that do not exist are answered with 200', async () => {
    const server = await scripted((socket, path) => {
      const row = path === '/' ? indexRow('distfiles/', '-') : indexRow('f1', 1);
      if (path.endsWith('/')) socket.write(withBody(200, indexPage(path, row)));
      else socket.write(answer(200, { 'Content-Length': 1 }));
    });
    const check = harness(inventory, [mirror('m', server.url)]);
    const { accessPoints } = await check.run({ timeoutMs: 5000 });
    expect(accessPoints[0]).toMatchObject({ present: 0, absent: 0, failed: COUNT + 1, state: 'down' });
    expect(server.paths.filter((path) => path.endsWith('/'))).toEqual([]);
    expect(check.read('m.http').outcome.every((code) => code === Outcome.none)).toBe(true);
  });

  test('where a page leaves out half, cut or not, HEAD of each finds them present', async () => {
    for (const end of ['', '</pre></html>']) {
      const half = indexPage('/distfiles/', ...Array.from({ length: 700 }, (_, i) => indexRow(`f${i}`, i % 9)));
      const server = await scripted((socket, path) => {
        if (path === '/') socket.write(withBody(200, indexPage('/', indexRow('distfiles/', '-'))));
        else if (path === '/distfiles/') socket.write(withBody(200, half.replace('</pre></html>', end)));
        else socket.write(fine(path, Number(path.slice(12)) % 9));
      });
      const files = testFiles(COUNT, (i) => i % 9);
      const check = harness(files, [mirror('m', server.url)]);
      const { accessPoints } = await check.run({ timeoutMs: 5000 });
      expect(accessPoints[0]).toMatchObject({ present: COUNT, absent: 0, failed: 0, state: 'up' });
      expect(methodsOf(check.read('m.http'))).toEqual({ 'http-head': 860, 'http-listing': 640 });
    }
  });
});

test('the state follows from how a check went', () => {
  const report = { requests: 1, connections: 1 };
  expect(judge({ ended: 'unusable', reason: 'x', ...report }, 10, 10, '')).toEqual({ state: 'down', reason: 'x' });
  expect(judge({ ended: 'partial', reason: 'y', ...report }, 1, 100, '')).toEqual({ state: 'failing', reason: 'y' });
  expect(judge({ ended: 'whole', reason: '', ...report }, 5, 100, '')).toEqual({ state: 'up', reason: '' });
  expect(judge({ ended: 'whole', reason: 'z', ...report }, 6, 100, 'w')).toEqual({
    state: 'failing',
    reason: '6 of 100 checks failed, most for: w; z',
  });
});
