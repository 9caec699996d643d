import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requires } from '../../test/debian-packages.ts';
import { startLighttpd } from '../../test/servers/index-servers.ts';
import { tempFolder } from '../../test/temp-folder.ts';
import { Acquaintance } from '../net/acquaintance.ts';
import { collect, tally } from '../testing/collect.ts';
import { testInventory } from '../testing/inventory.ts';
import { answer, orNotFound, scripted } from '../testing/servers.ts';
import { httpHead } from './http-head.ts';

const COUNT = 400;
// No name of two hex digits: of a file "f8" lighttpd takes "f8/none" for a path within it (PATH_INFO).
const inventory = testInventory(Array.from({ length: COUNT }, (_, i) => ({ path: `distfiles/n${i}`, sizeBytes: i })));
const sizeOf = (path: string) => Number(/n(\d+)$/.exec(path)?.[1] ?? -1);
const rightly = (path: string) => orNotFound(path, answer(200, { 'Content-Length': sizeOf(path) }));
const expected = Object.fromEntries(inventory.paths.map((path, i) => [path, `present ${i}`]));
const FORBIDDEN = 'failed: answers 403 (forbidden)';

/** Serves `most` questions in `windowMs`, and answers `status` to the others. */
function tired(status: number, most: number, windowMs: number) {
  const served: number[] = [];
  return scripted((socket, path) => {
    const nowMs = performance.now();
    while ((served[0] ?? nowMs) < nowMs - windowMs) served.shift();
    if (served.length >= most) {
      socket.write(answer(status, { 'Content-Length': 0 }));
      return;
    }
    served.push(nowMs);
    socket.write(rightly(path));
  });
}

test.each([403, 500, 502, 522])(
  'a host that answers %i when it was asked too fast is asked more slowly',
  async (status) => {
    const server = await tired(status, 200, 150);
    const { report, results, repeated } = await collect(httpHead, inventory, server.url, { secondTryAfterMs: 100 });
    expect(results).toEqual(expected);
    expect(repeated).toEqual([]);
    expect(report).toMatchObject({ ended: 'whole', reason: '' });
  },
);

test('what is forbidden however slowly it is asked for stays so, and costs four questions once in a run', async () => {
  const isForbidden = (path: string) => sizeOf(path) % 2 === 1;
  const server = await scripted((socket, path) => {
    socket.write(isForbidden(path) ? answer(403, { 'Content-Length': 0 }) : rightly(path));
  });
  const acquaintance = new Acquaintance();
  const check = () => collect(httpHead, inventory, server.url, { secondTryAfterMs: 10, acquaintance });
  const askedFor = (path: string) => server.paths.filter((each) => each === path).length;
  const first = await check();
  const asked = inventory.paths.filter((_, i) => i % 2 === 1).map((path) => askedFor(`/${path}`));
  expect(first.results).toEqual(
    Object.fromEntries(inventory.paths.map((path, i) => [path, i % 2 === 1 ? FORBIDDEN : `present ${i}`])),
  );
  const second = await check();
  expect(second.results).toEqual(first.results);
  const askedBySecond = inventory.paths.filter((_, i) => i % 2 === 1).map((path) => askedFor(`/${path}`));
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  // With the few that are tried before all.
  expect(sum(asked)).toBeLessThan(COUNT / 2 + 4 + 32);
  expect(sum(askedBySecond) - sum(asked)).toBe(COUNT / 2);
});

test('a few beside many are not waited for', async () => {
  const many = testInventory(Array.from({ length: 2000 }, (_, i) => ({ path: `distfiles/n${i}`, sizeBytes: i })));
  const server = await scripted((socket, path) => {
    socket.write(sizeOf(path) % 110 === 99 ? answer(502, { 'Content-Length': 0 }) : rightly(path));
  });
  // A pause would be longer than a test may take.
  const { results } = await collect(httpHead, many, server.url, { secondTryAfterMs: 60_000 });
  expect(Object.values(results).filter((text) => text.startsWith('failed')).length).toBe(Math.ceil((2000 - 99) / 110));
});

test('interrupted before they are asked for again, they have not failed', async () => {
  const abort = new AbortController();
  const server = await tired(403, 200, 10_000);
  const checked = collect(httpHead, inventory, server.url, { secondTryAfterMs: 60_000, signal: abort.signal });
  await expect.poll(() => server.paths.length).toBeGreaterThanOrEqual(COUNT);
  abort.abort();
  const { report, results } = await checked;
  expect(report.ended).toBe('interrupted');
  expect(Object.keys(tally(results)).filter((text) => text.startsWith('failed'))).toEqual([]);
});

requires('lighttpd')('lighttpd with 256 file descriptors', () => {
  test('answers 403 when they are spent; all that it has is found all the same', { timeout: 60_000 }, async () => {
    const { path: folder, close } = tempFolder();
    mkdirSync(join(folder, 'distfiles'));
    for (const [i, path] of inventory.paths.entries()) writeFileSync(join(folder, path), 'x'.repeat(i));
    const server = await startLighttpd(folder, 256);
    try {
      const { report, results } = await collect(httpHead, inventory, server.url, { secondTryAfterMs: 2000 });
      expect(results).toEqual(expected);
      expect(report).toMatchObject({ ended: 'whole', reason: '' });
      expect(report.requests).toBeGreaterThan(COUNT * 1.3);
    } finally {
      await server.close();
      close();
    }
  });
});
