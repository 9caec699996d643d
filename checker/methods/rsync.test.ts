import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ObjectType } from '../../core/inventory.ts';
import { allowedMs, type BegunListing } from '../../core/node/rsync.ts';
import type { RsyncEntry } from '../../core/rsync-list.ts';
import { requires } from '../../test/debian-packages.ts';
import { keep } from '../../test/keep.ts';
import { startSlowFront } from '../../test/servers/slow-front.ts';
import { checkerSuite } from '../../test/suites/checker.ts';
import { tempFolder } from '../../test/temp-folder.ts';
import { collect, tally } from '../testing/collect.ts';
import { testInventory } from '../testing/inventory.ts';
import { plantFiles, startRsyncDaemon } from '../testing/servers.ts';
import { rsync } from './rsync.ts';

const INVENTORY = testInventory([
  { path: 'distfiles' },
  { path: 'distfiles/ab' },
  { path: 'distfiles/ab/x%23y.tar.xz', sizeBytes: 5 },
  { path: 'distfiles/x%23y.tar.xz', target: 'ab/x%23y.tar.xz', leadsTo: 'distfiles/ab/x%23y.tar.xz' },
  { path: 'current', target: 'distfiles', leadsTo: 'distfiles' },
  { path: 'current/ab', target: 'distfiles/ab', leadsTo: 'distfiles/ab' },
  { path: 'current/ab/x%23y.tar.xz', target: '', leadsTo: 'distfiles/ab/x%23y.tar.xz' },
]);

async function mirror() {
  const root = keep(tempFolder());
  plantFiles(root.path, { 'distfiles/ab/x#y.tar.xz': 5 });
  symlinkSync('./ab/x#y.tar.xz', join(root.path, 'distfiles/x#y.tar.xz'));
  symlinkSync('distfiles', join(root.path, 'current'));
  const daemon = keep(await startRsyncDaemon(root.path));
  return { root: root.path, check: () => collect(rsync, INVENTORY, daemon.url) };
}

requires('rsync')('over a real daemon', () => {
  checkerSuite({
    name: 'rsync',
    method: rsync,
    serve: startRsyncDaemon,
  });
});

describe('while a listing is under way', () => {
  const inventory = testInventory([
    { path: 'a', sizeBytes: 5 },
    { path: 'b', sizeBytes: 6 },
    { path: 'c', target: 'b', leadsTo: 'b' },
    { path: 'd', sizeBytes: 7 },
  ]);
  const file = (path: string, sizeBytes: number): RsyncEntry => {
    return { type: ObjectType.file, sizeBytes, modified: '2026/01/01 00:00:00', path, target: '' };
  };
  const link: RsyncEntry = { ...file('c', 1), type: ObjectType.symlink, target: 'b' };
  /** `null` is a pause. */
  const check = (lines: readonly (RsyncEntry | null)[]) => {
    const begun: BegunListing = {
      read: async (onEntry, _, onPause) => {
        for (const line of lines) line === null ? onPause?.() : onEntry(line);
        return { complete: true, reason: '', oddLines: 0, bytes: 1, specials: 0, isFull: false };
      },
      drop: () => {},
    };
    return collect(rsync, inventory, 'rsync://127.0.0.1/x/', { begun });
  };

  test('what is told in a pause, and what comes after it, is what is told at the end', async () => {
    const lines = [file('a', 5), link, file('b', 6)];
    const atTheEnd = await check(lines);
    expect(atTheEnd.results).toEqual({ a: 'present 5', b: 'present 6', c: 'present 6', d: 'absent' });
    for (let i = 0; i <= lines.length; i++) {
      const paused = await check([...lines.slice(0, i), null, ...lines.slice(i)]);
      expect([paused.results, paused.repeated]).toEqual([atTheEnd.results, []]);
    }
  });

  test('an entry that comes once more counts, for the links to it too', async () => {
    const { results } = await check([file('a', 5), file('b', 6), link, null, file('b', 9)]);
    expect(results).toEqual({ a: 'present 5', b: 'different 9', c: 'different', d: 'absent' });
  });
});

describe('over a real daemon', () => {
  test('a whole mirror: everything is present, what lies beneath a link too', async () => {
    const { report, results, repeated } = await (await mirror()).check();
    expect(report).toEqual({ ended: 'whole', reason: '', requests: 1, connections: 1, bytes: expect.any(Number) });
    // A line for each of the six entries, and the root's.
    expect(report.bytes).toBeGreaterThan(6 * 40);
    expect(report.bytes).toBeLessThan(7 * 120);
    expect(repeated).toEqual([]);
    expect(results).toEqual({
      distfiles: 'present',
      'distfiles/ab': 'present',
      'distfiles/ab/x%23y.tar.xz': 'present 5',
      'distfiles/x%23y.tar.xz': 'present 5',
      current: 'present',
      'current/ab': 'present',
      'current/ab/x%23y.tar.xz': 'present 5',
    });
  });

  test('a link that leads nowhere, another target, a copy in place of a link', async () => {
    const { root, check } = await mirror();
    rmSync(join(root, 'distfiles/ab/x#y.tar.xz'));
    expect((await check()).results['distfiles/x%23y.tar.xz']).toBe('absent');
    rmSync(join(root, 'distfiles/x#y.tar.xz'));
    plantFiles(root, { 'distfiles/x#y.tar.xz': 5, 'distfiles/ab/x#y.tar.xz': 5 });
    expect((await check()).results['distfiles/x%23y.tar.xz']).toBe('present 5');
    rmSync(join(root, 'current'));
    symlinkSync('elsewhere', join(root, 'current'));
    const { results } = await check();
    expect(results['current']).toBe('different');
    expect(results['current/ab/x%23y.tar.xz']).toBe('different');
  });

  test('a directory in place of a file is different', async () => {
    const { root, check } = await mirror();
    rmSync(join(root, 'distfiles/ab/x#y.tar.xz'));
    mkdirSync(join(root, 'distfiles/ab/x#y.tar.xz'));
    expect((await check()).results['distfiles/ab/x%23y.tar.xz']).toBe('different');
  });

  test('no such module: every object failed, and the reason says so', async () => {
    const root = keep(tempFolder());
    const daemon = keep(await startRsyncDaemon(root.path));
    const { report, results } = await collect(rsync, INVENTORY, `rsync://127.0.0.1:${daemon.port}/nothing/`);
    expect(report.ended).toBe('unusable');
    expect(report.reason).toMatch(
      /^the server refused: no such module \(rsync exit 5: "@ERROR: Unknown module 'nothing'"/,
    );
    expect(tally(results)).toEqual({ [`failed: ${report.reason}`]: 7 });
  });
});

describe('a daemon that is not there at first', () => {
  const url = (port: number) => `rsync://127.0.0.1:${port}/tree/`;

  test('is asked once more, and is of use if it is there then', async () => {
    const root = keep(tempFolder());
    plantFiles(root.path, { 'distfiles/ab/x#y.tar.xz': 5 });
    const daemon = keep(await startRsyncDaemon(root.path));
    let asked = 0;
    // As one that is restarted: the first connection is cut at once.
    const front = createServer((socket) => {
      if (++asked === 1) {
        socket.resetAndDestroy();
        return;
      }
      const through = connect(daemon.port, '127.0.0.1');
      for (const each of [socket, through]) each.on('error', () => {});
      socket.pipe(through).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(front, 'listening');
    keep({ close: () => void front.close() });
    const { report, results } = await collect(rsync, INVENTORY, url((front.address() as AddressInfo).port));
    expect(report).toMatchObject({ ended: 'whole', reason: '', requests: 2, connections: 2 });
    expect(results['distfiles/ab/x%23y.tar.xz']).toBe('present 5');
  });

  test('is of no use only after two tries, seconds apart; the pause ends at once when it is interrupted', async () => {
    const times: number[] = [];
    const refusing = createServer((socket) => {
      times.push(performance.now());
      socket.on('error', () => {});
      socket.end('@ERROR: chroot failed\n');
    }).listen(0, '127.0.0.1');
    await once(refusing, 'listening');
    keep({ close: () => void refusing.close() });
    const at = url((refusing.address() as AddressInfo).port);
    const { report } = await collect(rsync, INVENTORY, at, { secondTryAfterMs: 300 });
    expect(report).toMatchObject({ ended: 'unusable', requests: 2, connections: 2 });
    expect(times).toHaveLength(2);
    expect((times[1] as number) - (times[0] as number)).toBeGreaterThanOrEqual(300);
    const abort = new AbortController();
    const checked = collect(rsync, INVENTORY, at, { secondTryAfterMs: 600_000, signal: abort.signal });
    await expect.poll(() => times.length).toBe(3);
    abort.abort();
    expect((await checked).report).toMatchObject({ ended: 'interrupted', requests: 1 });
  });
});

requires('rsync')('a listing that trickles', () => {
  const COUNT = 4000;
  const inventory = testInventory(
    Array.from({ length: COUNT }, (_, i) => ({ path: `d${i % 80}/f${i}`, sizeBytes: 0 })),
  );

  /** Some 300 entries a second, where none of them is late for itself. */
  async function trickling() {
    const root = keep(tempFolder());
    plantFiles(root.path, Object.fromEntries(inventory.paths.map((path) => [path, 0])));
    const daemon = keep(await startRsyncDaemon(root.path));
    const slow = { freeBytes: 2000, pieceBytes: 300, everyMs: 50 };
    const front = keep(await startSlowFront(daemon.port, slow));
    return { front, url: `rsync://127.0.0.1:${front.port}/tree/` };
  }

  test('is given up when it is too slow on the whole; what it showed counts, what it did not is not absent', async () => {
    const { front, url } = await trickling();
    const { report, results } = await collect(rsync, inventory, url, { timeoutMs: 300 });
    expect(report).toMatchObject({
      ended: 'partial',
      reason: expect.stringMatching(/^too slow: [\d,]+ entries in \d+ s$/),
    });
    const counts = tally(results);
    expect(counts['present 0']).toBeGreaterThan(100);
    expect(counts[`failed: ${report.reason}`]).toBe(COUNT - (counts['present 0'] as number));
    await expect.poll(front.open).toBe(0);
  });

  test('ends at once when it is interrupted, as by `check --budget`', async () => {
    const { front, url } = await trickling();
    const abort = new AbortController();
    const checked = collect(rsync, inventory, url, { timeoutMs: 60_000, signal: abort.signal });
    await expect.poll(front.open).toBe(1);
    abort.abort();
    const { report, results } = await checked;
    expect(report).toMatchObject({ ended: 'interrupted', reason: '' });
    expect(Object.values(results).filter((text) => text !== 'present 0')).toEqual([]);
    await expect.poll(front.open).toBe(0);
  });
});

requires('rsync')('a process that is killed', () => {
  test('leaves no rsync behind that holds a connection', async () => {
    const root = keep(tempFolder());
    plantFiles(root.path, Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`d${i % 50}/f${i}`, 0])));
    const daemon = keep(await startRsyncDaemon(root.path));
    const front = keep(await startSlowFront(daemon.port, { freeBytes: 2000, pieceBytes: 100, everyMs: 50 }));
    const url = `rsync://127.0.0.1:${front.port}/tree/`;
    const options = `{ url: '${url}', timeoutMs: 60_000, signal: new AbortController().signal, onEntry() {} }`;
    const code = `const { listOverRsync } = await import('./core/node/rsync.ts'); await listOverRsync(${options});`;
    const flags = ['--import', 'tsx', '--input-type=module', '-e', code];
    const child = spawn(process.execPath, flags, { stdio: 'ignore' });
    await expect.poll(front.open, { timeout: 20_000 }).toBe(1);
    child.kill('SIGKILL');
    await once(child, 'close');
    await expect.poll(front.open, { timeout: 5000 }).toBe(0);
  });
});

test('a listing may take longer the more it brings, up to a bound', () => {
  const minutes = [0, 250, 10_000, 149_000, 10_000_000].map((entries) => allowedMs(10_000, entries) / 60_000);
  expect(minutes.map(Math.floor)).toEqual([2, 2, 8, 60, 60]);
});
