import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { throwUnlessStateFile } from '../core/formats/state-file.ts';
import { pullState, pushState } from '../core/node/state.ts';
import { directoryStore } from '../core/node/store/directory-store.ts';
import { Outcome } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import { silentProgress } from '../core/progress.ts';
import { keep } from '../test/keep.ts';
import { tempFolder } from '../test/temp-folder.ts';
import type { CheckOptions } from './run.ts';
import { harness, mirror } from './testing/check.ts';
import { testFiles } from './testing/inventory.ts';
import { answer, fine, scripted } from './testing/servers.ts';

const START_MS = Date.UTC(2026, 6, 1, 6);
const MINUTE_MS = 60_000;
const at = (minutes: number) => ({ nowMs: () => START_MS + minutes * MINUTE_MS });

/** A server that asks to be left alone for so many seconds, in the first run from the `nth` file on, and two mirrors on it. */
async function serve(retryAfter: string, nth: number) {
  let [files, runs] = [0, 0];
  const server = await scripted((socket, path) => {
    const isBusy = /\/f\d+$/.test(path) && ++files >= nth && runs === 1;
    socket.write(isBusy ? answer(429, { 'Content-Length': 0, 'Retry-After': retryAfter }) : fine(path));
  });
  const mirrors = ['a', 'b'].map((id) => mirror(id, `${server.url}${id}/`));
  const check = harness(testFiles(40), mirrors, { timeoutMs: 5000, ...at(0) });
  const asked = async (minutes: number, more: Partial<CheckOptions> = {}) => {
    const before = server.paths.length;
    runs++;
    const summary = await check.run({ ...at(minutes), ...more });
    // What was sent last may still be on its way.
    await expect.poll(server.open).toBe(0);
    return { asked: server.paths.length - before, summary };
  };
  return { server, check, asked };
}

const hosts = (output: string, vantage = '') =>
  JSON.parse(readFileSync(outputLayout.hosts(output, vantage), 'utf8')).hosts;

test('a host that asks for more than five minutes is left alone, by all runs until then', async () => {
  const { server, check, asked } = await serve('600', 7);
  const first = await asked(0);
  // Both mirrors begin at once, and neither goes on.
  expect(first.asked).toBeLessThan(30);
  const { host } = new URL(server.url);
  expect(hosts(check.output)).toEqual([{ host, status: 429, notBeforeMs: START_MS + 10 * MINUTE_MS }]);
  const said = 'answers 429 (too many requests): not to be asked before 2026-07-01 06:10 UTC';
  expect(first.summary.accessPoints.map(({ reason }) => reason)).toContain(said);
  expect(
    check.notes.filter((line) => line === `${host} ${said}: what is due there is left for a later run`),
  ).toHaveLength(1);
  // What was not asked has not failed.
  expect(check.read('a.http').failedAtS.filter((atS) => atS !== 0)).toHaveLength(0);
  expect(first.summary).toMatchObject({ interrupted: false, totals: { failed: 0 } });
  expect((await asked(4)).asked).toBe(0);
  const later = await asked(11);
  expect(later.summary.totals.failed).toBe(0);
  for (const id of ['a.http', 'b.http']) {
    expect([...check.read(id).outcome]).toEqual(Array(40).fill(Outcome.present));
  }
  expect(hosts(check.output)).toEqual([]);
});

test('no host is left alone for more than a day, whatever it or a wrong clock has said', async () => {
  const { server, check, asked } = await serve('99999999999', 1);
  await asked(0);
  const day = 24 * 60;
  expect(hosts(check.output)[0].notBeforeMs).toBe(START_MS + day * MINUTE_MS);
  expect((await asked(day - 6)).asked).toBe(0);
  expect((await asked(day + 1)).summary.totals.present).toBeGreaterThan(0);
  const { host } = new URL(server.url);
  const forEver = { version: 1, hosts: [{ host, status: 429, notBeforeMs: START_MS * 2 }] };
  writeFileSync(outputLayout.hosts(check.output), JSON.stringify(forEver));
  expect((await asked(20 * day)).asked).toBeGreaterThan(0);
});

test('a torn file of hosts is told of, and begun anew', async () => {
  const { check, asked } = await serve('600', 99);
  writeFileSync(outputLayout.hosts(check.output), '{"version":1,"hosts":[{');
  expect((await asked(0)).summary.totals.present).toBe(80);
  expect(check.notes.filter((line) => /hosts\.json: .*begun anew$/.test(line))).toHaveLength(1);
  expect(hosts(check.output)).toEqual([]);
  const other = await serve('600', 99);
  await other.asked(0);
  expect(existsSync(outputLayout.hosts(other.check.output))).toBe(false);
});

test('what a host asked of a vantage goes with its state to the next machine, and is no business of other vantages', async () => {
  const { server, check, asked } = await serve('7200', 1);
  await asked(0, { vantage: 'eu' });
  expect(existsSync(outputLayout.hosts(check.output))).toBe(false);
  const store = directoryStore(keep(tempFolder()).path);
  const state = {
    store,
    storeName: 'store',
    throwUnlessWhole: throwUnlessStateFile,
    vantage: 'eu',
    progress: silentProgress,
  };
  const { signal } = new AbortController();
  await pushState({ ...state, output: check.output, parts: ['checks'], signal });
  const output = keep(tempFolder()).path;
  await pullState({ ...state, output, parts: ['checks'], signal });
  const { host } = new URL(server.url);
  expect(hosts(output, 'eu')).toEqual([{ host, status: 429, notBeforeMs: START_MS + 120 * MINUTE_MS }]);
  expect((await asked(60, { vantage: 'eu', output })).asked).toBe(0);
  expect((await asked(60, { vantage: 'asia', output })).asked).toBeGreaterThan(0);
  expect((await asked(121, { vantage: 'eu', output })).asked).toBeGreaterThan(0);
});
