import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ProbeRecord } from '../core/liveness.ts';
import { LAYOUT_PATH } from '../core/master-files.ts';
import type { Liveness } from '../core/observations.ts';
import { requires } from '../test/debian-packages.ts';
import { keep } from '../test/keep.ts';
import { startProftpd } from '../test/servers/proftpd.ts';
import { startVsftpd } from '../test/servers/vsftpd.ts';
import { tempFolder } from '../test/temp-folder.ts';
import { livenessOfFull, noRoom } from './full-house.ts';
import { ftp } from './methods/ftp.ts';
import { rsync } from './methods/rsync.ts';
import { HostBudget } from './net/host-budget.ts';
import { LAYOUT, NOW_MS, TestOutput } from './probe/testing/mirror.ts';
import { harness, mirror } from './testing/check.ts';
import { collect, tally } from './testing/collect.ts';
import { testInventory } from './testing/inventory.ts';
import { plantFiles, startRsyncDaemon } from './testing/servers.ts';

const FILES = { 'distfiles/a': 5, 'distfiles/b': 6, 'releases/c': 7 };
/** What probes ask for where nothing was checked. */
const LAYOUT_FILE = { [LAYOUT_PATH]: LAYOUT.length };
const INVENTORY = testInventory([
  ...['', 'distfiles', 'releases'].map((path) => ({ path })),
  ...Object.entries(FILES).map(([path, sizeBytes]) => ({ path, sizeBytes })),
]);
const OBJECTS = INVENTORY.paths.length;

type Serve = (root: string) => Promise<{ readonly url: string; close(): Promise<void> }>;

/** Real servers that take one client of an address, or one at all, and what a client says to be that one. */
const SERVERS = {
  vsftpd: {
    serve: (root) => startVsftpd(root, ['max_per_ip=1']),
    says: ['', /^220 /m],
    reason: /^answers "421 There are too many connections from your internet address\."/,
  },
  proftpd: {
    serve: (root) => startProftpd(root, { directives: 'MaxClientsPerHost 1' }),
    says: ['USER anonymous\r\nPASS me@example.org\r\n', /^230 /m],
    reason: /^refuses the anonymous login: "530 Sorry, the maximum number of clients \(1\) from your host/,
  },
  rsync: {
    serve: (root) => startRsyncDaemon(root, ['max connections = 1']),
    says: ['@RSYNCD: 31.0\ntree\n', /^@RSYNCD: OK/m],
    reason: /^the server refused: too many connections \(rsync exit 5: "@ERROR: max connections \(1\) reached/,
  },
} satisfies Readonly<Record<string, { serve: Serve; says: readonly [string, RegExp]; reason: RegExp }>>;

async function serveTree(serve: Serve) {
  const root = keep(tempFolder()).path;
  plantFiles(root, { ...FILES, ...LAYOUT_FILE });
  return { root, url: keep(await serve(root)).url };
}

/** Takes the one place that there is; answers how to leave it. */
async function takePlace(url: string, [said, isIn]: readonly [string, RegExp]): Promise<() => Promise<void>> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk.toString('latin1');
  });
  await once(socket, 'connect');
  socket.write(said);
  await expect.poll(() => heard, { timeout: 10_000 }).toMatch(isIn);
  const leave = async () => {
    if (socket.destroyed) return;
    socket.destroy();
    await once(socket, 'close');
  };
  keep({ close: leave });
  return leave;
}

for (const name of Object.keys(SERVERS) as (keyof typeof SERVERS)[]) {
  const { serve, says, reason } = SERVERS[name];
  const method = name === 'rsync' ? rsync : ftp;
  requires(name)(`${name} that takes one client`, () => {
    test('is listed over one connection, where a host is allowed no more', async () => {
      const { url } = await serveTree(serve);
      const unlimited = { requestsPerSecond: Number.POSITIVE_INFINITY, bytesPerSecond: Number.POSITIVE_INFINITY };
      const budget = new HostBudget({ connections: 1, ...unlimited });
      const { report, results } = await collect(method, INVENTORY, url, {
        budget,
        timeoutMs: 5000,
        secondTryAfterMs: 500,
      });
      expect(report).toMatchObject({ ended: 'whole', reason: '' });
      expect(tally(results)).toEqual({ present: 3, 'present 5': 1, 'present 6': 1, 'present 7': 1 });
    });

    test('while it has no room for us nothing has failed; afterwards all is asked for', async () => {
      const { root, url } = await serveTree(serve);
      const atMs = Date.UTC(2026, 6, 1, 6);
      const check = harness(INVENTORY, [mirror('m', url)], { timeoutMs: 5000, secondTryAfterMs: 500 });
      const id = `m.${method.name}`;
      const run = async (minutes: number) => {
        const summary = await check.run({ nowMs: () => atMs + minutes * 60_000 });
        return { summary, known: check.read(id) };
      };
      expect((await run(0)).known.liveness.state).toBe('up');
      rmSync(join(root, 'distfiles/b'));
      const leave = await takePlace(url, says);
      const eightDays = 8 * 24 * 60;
      const late = await run(eightDays);
      expect(late.summary).toMatchObject({ totals: { asked: OBJECTS, failed: 0, present: 0 }, interrupted: false });
      expect(late.summary.accessPoints[0]).toMatchObject({
        isJudged: false,
        isBusy: true,
        requests: method === ftp ? 0 : 3,
      });
      expect(late.summary.accessPoints[0]?.reason).toMatch(reason);
      expect(late.summary.accessPoints[0]?.reason).toMatch(/: no room for us, left for a later run$/);
      expect([...late.known.failedAtS]).toEqual(Array(OBJECTS).fill(0));
      expect(late.known.liveness).toMatchObject({
        state: 'failing',
        reason: /: no room for us; nothing else heard for more than an hour$/,
      });
      await leave();
      const { summary, known } = await run(eightDays + 15);
      expect(summary.totals).toMatchObject({ present: OBJECTS - 1, absent: 1, failed: 0 });
      expect(known.liveness).toMatchObject({ state: 'up', reason: '' });
    });
  });
}

const MINUTE_MS = 60_000;

for (const name of ['vsftpd', 'rsync'] as const) {
  const { serve, says, reason } = SERVERS[name];
  requires(name)(`a probe of ${name} that takes one client`, () => {
    test('keeps what was known while it has no room for us, and tells of it after an hour', async () => {
      const { url } = await serveTree(serve);
      const output = keep(new TestOutput([{ name: 'm', url, isUnchecked: true }]));
      const probe = async (minutes: number) => {
        const { accessPoints } = await output.probe({ nowMs: () => NOW_MS + minutes * MINUTE_MS, timeoutMs: 5000 });
        const { liveness, warnings } = accessPoints[0] as ProbeRecord;
        return { state: liveness.state, reason: liveness.reason, warnings };
      };
      // The server may not have heard yet that its last client is gone.
      await expect.poll(async () => (await probe(0)).state, { timeout: 10_000 }).toBe('up');
      const leave = await takePlace(url, says);
      const soon = await probe(10);
      expect(soon).toMatchObject({ state: 'up', reason: '' });
      expect(soon.warnings[0]?.replace('greets with', 'answers')).toMatch(reason);
      expect(soon.warnings[0]).toMatch(/: no room for us, what was known stands$/);
      const late = await probe(61);
      expect(late).toMatchObject({ state: 'failing', warnings: [] });
      expect(late.reason.replace('greets with', 'answers')).toMatch(reason);
      expect(late.reason).toMatch(/: no room for us; nothing else heard for more than an hour$/);
      expect((await probe(200)).state).toBe('failing');
      await leave();
      await expect.poll(async () => (await probe(210)).state, { timeout: 10_000 }).toBe('up');
    });
  });
}

test('what was known of a full house stands for an hour; then it is failing, and never down', () => {
  const reason = noRoom('answers "421 Full"');
  const up: Liveness = { state: 'up', sinceS: 7, checkedAtS: 10_000, reason: '' };
  const down: Liveness = { ...up, state: 'down', reason: 'connection refused' };
  const long = 'answers "421 Full": no room for us; nothing else heard for more than an hour';
  const rows: [before: Liveness | null, atS: number, after: Liveness][] = [
    [null, 5, { state: 'failing', sinceS: 5, checkedAtS: 0, reason }],
    [{ ...up, checkedAtS: 0 }, 50, { state: 'failing', sinceS: 7, checkedAtS: 0, reason }],
    [up, 13_600, up],
    [down, 13_600, down],
    [up, 13_601, { state: 'failing', sinceS: 13_601, checkedAtS: 13_601, reason: long }],
    [down, 13_601, { state: 'failing', sinceS: 13_601, checkedAtS: 13_601, reason: long }],
    [
      { ...up, state: 'failing', reason: long },
      13_601,
      { state: 'failing', sinceS: 7, checkedAtS: 13_601, reason: long },
    ],
  ];
  for (const [before, atS, after] of rows) expect(livenessOfFull(before, reason, atS)).toEqual(after);
});
