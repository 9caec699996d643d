import { describe, expect, test } from 'vitest';
import type { Inventory } from '../core/inventory.ts';
import { Outcome } from '../core/observations.ts';
import { harness, mirror } from './testing/check.ts';
import { type ScriptedFtp, scriptedFtp } from './testing/ftp-server.ts';
import { type TestObject, testFiles, testInventory } from './testing/inventory.ts';
import { answer, fine, scripted } from './testing/servers.ts';

const START_MS = Date.UTC(2026, 6, 1, 6);
const MINUTE_MS = 60_000;
const at = (nowMs: number) => ({ nowMs: () => nowMs });

const DIRECTORIES = Array.from({ length: 21 }, (_, i) => `d${i}`);
const LISTED = 'type=cdir; .\r\n';

/** The root, 21 directories with a file each, and more at the end. */
function tree(...more: readonly TestObject[]): Inventory {
  const below = DIRECTORIES.flatMap((name) => [{ path: name }, { path: `${name}/f`, sizeBytes: 5 }]);
  const inventory = testInventory([{ path: '' }, ...below, ...more]);
  inventory.firstSeenS.fill(START_MS / 1000);
  return inventory;
}

/** A server of that tree; `extra` is what else is in `d3`. */
async function serve(extra = ''): Promise<ScriptedFtp> {
  let directory = '/';
  return scriptedFtp((talk, command, argument) => {
    if (command === 'CWD') directory = argument;
    if (command !== 'MLSD') return false;
    const root = DIRECTORIES.map((name) => `type=dir; ${name}\r\n`).join('');
    const inside = `type=file;size=5; f\r\n${directory === '/d3' ? extra : ''}`;
    void talk.list(LISTED + (directory === '/' ? root : inside));
    return true;
  });
}

const listings = (server: ScriptedFtp) => server.commands.filter((line) => line === 'MLSD').length;

test('a new object costs an ftp server the listings of its directories alone', async () => {
  const server = await serve('type=file;size=6; new\r\n');
  const check = harness(tree(), [mirror('m', server.url)], { timeoutMs: 5000, ...at(START_MS) });
  await check.run();
  expect(listings(server)).toBe(22);
  const inventory = tree({ path: 'd3/new', sizeBytes: 6 });
  await check.run({ inventory, ...at(START_MS + MINUTE_MS) });
  expect(listings(server)).toBe(24);
  expect(check.read('m.ftp').outcome[43]).toBe(Outcome.present);
});
describe('what failed is asked for again ever more seldom:', () => {
  test('a name that can never be proven by a listing', async () => {
    const server = await serve();
    const inventory = tree({ path: 'd3/%C3%A9', sizeBytes: 6 });
    const check = harness(inventory, [mirror('m', server.url)], { timeoutMs: 5000, ...at(START_MS) });
    await check.run();
    expect(listings(server)).toBe(22);
    const after: number[] = [];
    for (let run = 1; run <= 16; run++) {
      await check.run(at(START_MS + run * 15 * MINUTE_MS));
      after.push((listings(server) - 22) / 2);
    }
    expect(after).toEqual([1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4]);
    expect(check.read('m.ftp').failedTimes[43]).toBe(5);
  });

  const RUNS = 16;

  /** Of the odd ones of ten files; the time is minutes after the first run. */
  const asksIn = (paths: readonly string[]) => paths.filter((path) => /\/f[13579]$/.test(path)).length / 5;

  test('objects that are refused, and at once what never was', async () => {
    const server = await scripted((socket, path) =>
      socket.write(/\/f[13579]$/.test(path) ? answer(403, { 'Content-Length': 0 }) : fine(path)),
    );
    const check = harness(testFiles(10), [mirror('m', server.url)], { timeoutMs: 5000, ...at(START_MS) });
    await check.run();
    const asks: number[] = [];
    for (let run = 1; run <= RUNS; run++) {
      const before = server.paths.length;
      await check.run({ inventory: testFiles(10 + run), ...at(START_MS + run * 15 * MINUTE_MS) });
      const paths = server.paths.slice(before);
      asks.push(asksIn(paths));
      expect(paths.some((path) => path.endsWith(`f${9 + run}`))).toBe(true);
    }
    expect(asks).toEqual([1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  });

  test('but at the next run all that only failed with its server', async () => {
    let isDown = true;
    const server = await scripted((socket, path) => {
      if (isDown) socket.destroy();
      else socket.write(fine(path));
    });
    const check = harness(testFiles(10), [mirror('m', server.url)], { timeoutMs: 500, ...at(START_MS) });
    await check.run();
    await check.run(at(START_MS + MINUTE_MS));
    expect(check.read('m.http').liveness.state).toBe('down');
    isDown = false;
    const summary = await check.run(at(START_MS + 2 * MINUTE_MS));
    expect(summary.totals).toMatchObject({ asked: 10, present: 10 });
  });

  test('but at the next run what was given up before it was asked for', async () => {
    let isBusy = true;
    const server = await scripted((socket, path) => {
      const isRefused = isBusy && /f\d+$/.test(path) && path !== '/distfiles/f0';
      socket.write(isRefused ? answer(429, { 'Content-Length': 0, 'Retry-After': 0 }) : fine(path));
    });
    const check = harness(testFiles(40), [mirror('m', server.url)], { timeoutMs: 5000, ...at(START_MS) });
    const first = await check.run();
    const { failed } = first.totals;
    expect(first.accessPoints[0]?.state).toBe('failing');
    // The one that was served counts only where a GET confirmed it.
    expect(failed).toBeGreaterThanOrEqual(39);
    isBusy = false;
    expect((await check.run(at(START_MS + MINUTE_MS))).totals).toMatchObject({ asked: failed, present: failed });
  });
});
