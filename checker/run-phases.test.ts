import { describe, expect, test } from 'vitest';
import type { Inventory } from '../core/inventory.ts';
import type { Mirror } from '../core/mirror.ts';
import { Outcome } from '../core/observations.ts';
import { keep } from '../test/keep.ts';
import { tempFolder } from '../test/temp-folder.ts';
import { DAY_MS, methodsOf, mirror, harness as plainHarness } from './testing/check.ts';
import { testInventory } from './testing/inventory.ts';
import {
  answer,
  fine,
  plantFiles,
  type ScriptedServer,
  scripted,
  startNginx,
  startRsyncDaemon,
} from './testing/servers.ts';

const START_MS = Date.UTC(2026, 6, 1, 6);

const at = (nowMs: number) => ({ nowMs: () => nowMs });
const harness = (inventory: Inventory, mirrors: readonly Mirror[]) =>
  plainHarness(inventory, mirrors, { ...at(START_MS), timeoutMs: 5000 });

function files(count: number, firstSeenMs = START_MS): Inventory {
  const inventory = testInventory(Array.from({ length: count }, (_, i) => ({ path: `d/f${i}`, sizeBytes: 7 })));
  inventory.firstSeenS.fill(firstSeenMs / 1000);
  return inventory;
}

/** The same with more objects at its end, seen first then. */
function grown(inventory: Inventory, more: number, firstSeenMs: number): Inventory {
  const larger = files(inventory.paths.length + more, firstSeenMs);
  larger.firstSeenS.set(inventory.firstSeenS);
  return larger;
}

const asked = (server: ScriptedServer) => server.paths.filter((path) => !path.includes('no-such'));
const idsOf = (paths: readonly string[]) => paths.map((path) => Number(/\d+$/.exec(path)?.[0]));

describe('a run', () => {
  test('asks nobody where nothing is due', async () => {
    const server = await scripted((socket, path) => socket.write(fine(path)));
    const check = harness(files(50), [mirror('m', server.url)]);
    await check.run();
    const before = server.paths.length;
    const summary = await check.run(at(START_MS + 60_000));
    expect([summary.accessPoints, server.paths.length - before]).toEqual([[], 0]);
    expect(check.read('m.http').liveness.state).toBe('up');
  });

  test('asks anew for what a clock dated that was a year ahead, and tells of it once', async () => {
    const server = await scripted((socket, path) => socket.write(fine(path)));
    const urls = [1, 2].map((i) => mirror(`m${i}`, server.url));
    const check = harness(files(30), urls);
    await check.run(at(START_MS + 365 * DAY_MS));
    const [planned] = await check.plan(START_MS + DAY_MS);
    expect(planned?.objects).toBe(30);
    await check.run(at(START_MS + DAY_MS));
    const { evidenceAtS, liveness } = check.read('m1.http');
    expect(new Set(evidenceAtS.subarray(0, 30))).toEqual(new Set([(START_MS + DAY_MS) / 1000]));
    expect(liveness).toMatchObject({ state: 'up', sinceS: (START_MS + DAY_MS) / 1000 });
    expect(check.notes.filter((line) => line.includes('clock'))).toEqual([
      expect.stringMatching(/observations: its clock is 364 days ahead/),
    ]);
  });

  test('a run of hours does not take its own evidence for a future one', async () => {
    const server = await scripted((socket, path) => socket.write(fine(path)));
    const inventory = files(20);
    const check = harness(inventory, [mirror('m', server.url)]);
    await check.run();
    // First the new ones are asked for, then those whose evidence has expired; each look at the clock takes an hour.
    let nowMs = START_MS + 20 * DAY_MS;
    await check.run({ inventory: grown(inventory, 5, nowMs), nowMs: () => (nowMs += 3_600_000) });
    const found = check.read('m.http');
    expect([...found.outcome.subarray(0, 25)]).toEqual(Array(25).fill(Outcome.present));
    expect(check.notes.filter((line) => line.includes('clock'))).toEqual([]);
  });

  test('asks for new objects on all access points before anything else on any', async () => {
    const log: string[] = [];
    let isBroken = true;
    const start = async (name: string) =>
      await scripted((socket, path, _nth, _asked, method) => {
        if (!path.includes('no-such') && method === 'HEAD') log.push(`${name}${path.slice(4)}`);
        const isBusy = isBroken && path.endsWith('3') && !path.includes('no-such');
        socket.write(isBusy ? answer(503, { 'Content-Length': 0 }) : fine(path));
      });
    const [a, b] = [await start('a'), await start('b')];
    const inventory = files(40);
    const check = harness(inventory, [mirror('a', a.url), mirror('b', b.url)]);
    await check.run();
    isBroken = false;
    const before = a.paths.length;
    log.length = 0;
    const laterMs = START_MS + DAY_MS;
    const larger = grown(inventory, 4, laterMs);
    larger.removedAtS[5] = laterMs / 1000 - 60;
    const summary = await check.run({ inventory: larger, ...at(laterMs) });
    const kind = (entry: string) => {
      const id = Number(entry.slice(1));
      return id >= 40 ? 'new' : id === 5 ? 'removed' : id % 10 === 3 ? 'failed' : 'rolling';
    };
    const asked = [...new Set(log)];
    expect(log.length).toBe(asked.length);
    expect(log.map(kind).filter((one, i, all) => one !== all[i - 1])).toEqual(['new', 'failed', 'rolling', 'removed']);
    const order = asked.map(kind);
    expect(order.filter((one) => one === 'new')).toHaveLength(8);
    expect(order.filter((one) => one === 'failed')).toHaveLength(8);
    expect(summary.left).toEqual({ new: 0, expired: 0, failed: 0, rolling: 0, removed: 0 });
    const atA = asked.filter((entry) => entry.startsWith('a')).length;
    // One greeting, a look after each of four phases, and a GET for each kind of answer, of which there is one.
    expect(a.paths.length - before).toBe(atA + 2 + 4 * 2 + 1);
    expect(summary.accessPoints[0]).toMatchObject({ asked: atA, state: 'up', failed: 0 });
    // The cost of a run is that of all its phases.
    const { cost } = check.read('a.http');
    expect(cost.startedAtS).toBe(laterMs / 1000);
    expect(check.history('a.http').days[0]?.requests).toBe(a.paths.length - cost.requests);
    expect(check.history('a.http').days[1]?.requests).toBe(cost.requests);
  });

  test('asks for few new objects by HEAD, though there is a listing, and confirms many by sample', async () => {
    const root = keep(tempFolder()).path;
    const sizes = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`d/f${i}`, 7]));
    plantFiles(root, sizes(410));
    const nginx = keep(await startNginx(root, ''));
    const daemon = keep(await startRsyncDaemon(root));
    const inventory = files(400);
    const check = harness(inventory, [mirror('m', nginx.url, daemon.url)]);
    await check.run();
    expect(methodsOf(check.read('m.http'))).toEqual({ 'http-head': 60, 'rsync+sample': 340 });
    const laterMs = START_MS + 60_000;
    const larger = grown(inventory, 10, laterMs);
    const next = await check.run({ inventory: larger, ...at(laterMs) });
    expect(next.accessPoints.map((point) => [point.accessPointId, point.method, point.asked])).toEqual([
      ['m.rsync', 'rsync', 410],
      ['m.http', 'http-head', 10],
    ]);
    // Within the period every object gets a HEAD of its own, whatever listings said.
    for (let day = 1; day <= 7; day++) {
      await check.run({ inventory: larger, ...at(START_MS + day * DAY_MS * 0.99) });
    }
    const { ownCheckAtS, outcome } = check.read('m.http');
    expect(methodsOf(check.read('m.http'))).toEqual({ 'http-head': 410 });
    expect(outcome.every((code) => code === Outcome.present)).toBe(true);
    expect(Math.min(...ownCheckAtS)).toBeGreaterThan(START_MS / 1000);
  });

  test('leaves an access point alone for the rest of the run once it is down', async () => {
    let isDown = false;
    const server = await scripted((socket, path) => {
      if (isDown) socket.destroy();
      else socket.write(fine(path));
    });
    const inventory = files(60);
    const check = harness(inventory, [mirror('m', server.url)]);
    await check.run();
    isDown = true;
    const laterMs = START_MS + 3 * DAY_MS;
    const before = server.accepted();
    const summary = await check.run({ inventory: grown(inventory, 2, laterMs), timeoutMs: 500, ...at(laterMs) });
    expect(summary.accessPoints[0]).toMatchObject({ asked: 2, failed: 2, state: 'down' });
    expect(summary.left.rolling).toBeGreaterThan(10);
    // Two tries of the first phase; each of them tries again where a connection is cut.
    expect(server.accepted() - before).toBeLessThan(12);
    expect(check.history('m.http').days.map(({ checks, checksUp }) => [checks, checksUp])).toEqual([
      [1, 1],
      [1, 0],
    ]);
  });

  test('is not called failing for the few that failed before and fail again', async () => {
    const server = await scripted((socket, path) =>
      socket.write(path.endsWith('f77') ? answer(403, { 'Content-Length': 0 }) : fine(path)),
    );
    const check = harness(files(100), [mirror('m', server.url)]);
    await check.run();
    const summary = await check.run(at(START_MS + 900_000));
    expect(summary.accessPoints[0]).toMatchObject({ asked: 1, failed: 1, state: 'up' });
  });
});

describe('a run out of budget', () => {
  test('stops, keeps what it has, tells what is left, and the next one goes on from there', async () => {
    let answers = Number.POSITIVE_INFINITY;
    const answered = new Set<string>();
    const server = await scripted((socket, path, _nth, _asked, method) => {
      // What confirms the answers is answered on.
      const isConfirming = method === 'GET' || path.includes('no-such') || answered.has(path);
      if (!isConfirming && answers-- <= 0) return;
      answered.add(path);
      socket.write(fine(path));
    });
    const inventory = files(200);
    const check = harness(inventory, [mirror('m', server.url)]);
    answers = 50;
    const summary = await check.run({ budgetMs: 400, timeoutMs: 30_000 });
    expect(summary).toMatchObject({ outOfBudget: true, interrupted: false });
    const { outcome, failedAtS } = check.read('m.http');
    const found = outcome.filter((code) => code === Outcome.present).length;
    expect(found).toBeGreaterThan(10);
    expect(summary.left).toEqual({ new: 200 - found, expired: 0, failed: 0, rolling: 0, removed: 0 });
    expect(failedAtS.filter((atS) => atS !== 0)).toHaveLength(0);
    answers = Number.POSITIVE_INFINITY;
    expect(check.history('m.http').days).toMatchObject([{ checks: 0, checksUp: 0, coverage: found / 200 }]);
    const from = server.paths.length;
    const next = await check.run({ budgetMs: 60_000, ...at(START_MS + 60_000) });
    expect(next).toMatchObject({ outOfBudget: false, left: { new: 0 } });
    const again = idsOf(server.paths.slice(from).filter((path) => !path.includes('no-such')));
    expect(again.filter((id) => outcome[id] === Outcome.present)).toEqual([]);
    expect(check.read('m.http').outcome.filter((code) => code === Outcome.present)).toHaveLength(200);
    expect(check.history('m.http').days).toMatchObject([{ checks: 1, checksUp: 1, coverage: 1 }]);
  });
});

describe('a server that denies GET what it told HEAD', () => {
  test('is down, which holds until a check finds it right', async () => {
    let isBroken = false;
    const server = await scripted((socket, path, _nth, _asked, method) =>
      socket.write(isBroken && method === 'GET' ? answer(404, { 'Content-Length': 0 }) : fine(path)),
    );
    const check = harness(files(100), [mirror('m', server.url)]);
    const livenessAfter = async (days: number) => {
      await check.run(at(START_MS + days * DAY_MS));
      return check.read('m.http').liveness;
    };
    expect(await livenessAfter(0)).toMatchObject({ state: 'up' });
    isBroken = true;
    expect(await livenessAfter(8)).toMatchObject({ state: 'down', holds: true });
    expect(check.read('m.http').vantages['']?.liveness.holds).toBe(true);
    isBroken = false;
    const { holds, state } = await livenessAfter(9);
    expect([state, holds]).toEqual(['up', undefined]);
  });
});

describe('a plan', () => {
  test('says what a run would ask, and why, and writes nothing', async () => {
    const server = await scripted((socket, path) => socket.write(fine(path)));
    const check = harness(files(50), [mirror('m', server.url)]);
    const nothing = { new: 0, expired: 0, failed: 0, rolling: 0, removed: 0 };
    const first = { accessPointId: 'm.http', method: 'http-head', objects: 50, phases: { ...nothing, new: 50 } };
    expect(await check.plan(START_MS)).toEqual([first]);
    expect(server.paths).toEqual([]);
    await check.run();
    expect(await check.plan(START_MS)).toEqual([{ ...first, objects: 0, phases: nothing }]);
    const [later] = await check.plan(START_MS + 7 * DAY_MS);
    expect(later?.phases).toEqual({ ...nothing, rolling: 50 });
  });
});

describe('a vantage', () => {
  test('has files of its own, with round-trip times', async () => {
    const server = await scripted((socket, path) =>
      setTimeout(() => socket.write(fine(path)), path.includes('no-such') ? 20 : 0),
    );
    const check = harness(files(30), [mirror('m', server.url)]);
    await check.run({ vantage: 'eu-west' });
    const { vantages, outcome } = check.read('m.http', 'eu-west');
    expect(outcome.filter((code) => code === Outcome.present)).toHaveLength(30);
    const { liveness, roundTripMs, cost } = vantages['eu-west'] ?? {};
    expect([liveness?.state, cost?.requests]).toEqual(['up', asked(server).length + 4]);
    expect(asked(server)).toHaveLength(31);
    expect(roundTripMs).toBeGreaterThan(15);
    expect(roundTripMs).toBeLessThan(500);
    expect(() => check.read('m.http')).toThrow(/ENOENT/);
    expect(check.history('m.http', 'eu-west').days).toMatchObject([{ coverage: 1, checks: 1, checksUp: 1 }]);
  });
});
