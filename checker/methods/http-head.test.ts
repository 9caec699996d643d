import { symlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { requires } from '../../test/debian-packages.ts';
import { keep } from '../../test/keep.ts';
import { checkerSuite } from '../../test/suites/checker.ts';
import { tempFolder } from '../../test/temp-folder.ts';
import { collect, tally } from '../testing/collect.ts';
import { testFiles, testInventory } from '../testing/inventory.ts';
import {
  answer,
  fine,
  orNotFound,
  plantFiles,
  type Responder,
  scripted,
  startNginx,
  startScripted,
} from '../testing/servers.ts';
import { httpHead } from './http-head.ts';

requires('nginx')('over nginx', () => {
  checkerSuite({
    name: 'http-head',
    method: httpHead,
    serve: (folder) => startNginx(folder),
  });
});

describe('what an answer proves', () => {
  const NO_SIZE = 'failed: answers compressed without being asked (Content-Encoding), so that no size is told';
  const rows: [name: string, there: string, result: string][] = [
    ['the right length', answer(200, { 'Content-Length': 7 }), 'present 7'],
    ['a header in other letters', answer(200, { 'cOnTeNt-LeNgTh': 7 }), 'present 7'],
    ['another length', answer(200, { 'Content-Length': 8 }), 'different 8'],
    ['an empty file', answer(200, { 'Content-Length': 0 }), 'different 0'],
    ['no length', answer(200, { Connection: 'close' }), 'failed: tells no length (Content-Length)'],
    [
      'what is compressed without being asked, with its own length',
      answer(200, { 'Content-Length': 6, 'Content-Encoding': 'gzip' }),
      NO_SIZE,
    ],
    [
      'the same with the right length, by chance',
      answer(200, { 'Content-Length': 7, 'Content-Encoding': 'br' }),
      NO_SIZE,
    ],
    ['the same without a length', answer(200, { 'CONTENT-ENCODING': 'gzip', Connection: 'close' }), NO_SIZE],
    ['an encoding that is none', answer(200, { 'Content-Length': 7, 'Content-Encoding': 'Identity' }), 'present 7'],
    ['404', answer(404, { 'Content-Length': 7 }), 'absent'],
    ['410', answer(410, { 'Content-Length': 7 }), 'absent'],
    ['403', answer(403, { 'Content-Length': 7 }), 'failed: answers 403 (forbidden)'],
    ['206', answer(206, { 'Content-Length': 7 }), 'failed: answers 206 (partial content)'],
    ['429', answer(429, { 'Content-Length': 0 }), 'failed: answers 429 (too many requests)'],
    ['503', answer(503, { 'Content-Length': 0 }), 'failed: answers 503 (service unavailable)'],
    ['an unknown status', answer(599, { 'Content-Length': 0 }), 'failed: answers 599'],
    [
      'a redirect',
      answer(301, { Location: 'https://other.example\u009b2J/a/b', 'Content-Length': 0 }),
      'failed: redirects (301) to "https://other.example\u00c2\\u009b2J"',
    ],
    ['interim answers first', answer(103) + answer(200, { 'Content-Length': 7 }), 'present 7'],
  ];
  test.each(rows)('%s', async (_, there, result) => {
    const server = await scripted((socket, path) => socket.write(orNotFound(path, there)));
    const { report, results, repeated } = await collect(httpHead, testFiles(3), server.url);
    expect(tally(results)).toEqual({ [result]: 3 });
    expect(repeated).toEqual([]);
    expect(report).toMatchObject({ ended: 'whole', reason: '' });
    await expect.poll(server.open).toBe(0);
  });

  test('directories, and links to them, are asked with a slash and need no length', async () => {
    const inventory = testInventory([
      { path: 'distfiles' },
      { path: 'current', target: 'distfiles', leadsTo: 'distfiles' },
      { path: 'distfiles/f%23', sizeBytes: 7 },
    ]);
    const server = await scripted((socket, path) => {
      const there = path.endsWith('/') ? answer(200, { 'Transfer-Encoding': 'chunked' }) : fine(path);
      socket.write(orNotFound(path, there));
    });
    const { results } = await collect(httpHead, inventory, `${server.url}gentoo/`);
    expect(results).toEqual({ distfiles: 'present', current: 'present', 'distfiles/f%23': 'present 7' });
    expect(server.paths).toContain('/gentoo/distfiles/f%23');
    expect(server.paths).toContain('/gentoo/current/');
  });
});

describe('a file that is kept compressed', () => {
  const label = { 'Content-Encoding': 'x-gzip' };
  test.each([
    ['may be named so by its server', 7, 'present 7'],
    ['has no other size for that', 8, expect.stringMatching(/^failed: answers compressed/)],
  ])('%s', async (_, length, result) => {
    const inventory = testInventory([{ path: 'distfiles/f.tar.gz', sizeBytes: 7 }]);
    const there = answer(200, { ...label, 'Content-Length': length });
    const server = await scripted((socket, path) => socket.write(orNotFound(path, there)));
    const { results } = await collect(httpHead, inventory, server.url);
    expect(results).toEqual({ 'distfiles/f.tar.gz': result });
  });
});

describe('a server that can prove nothing', () => {
  const SOFT = "answers 200 to names that don't exist";
  test('soft 404: nothing is recorded as present, and nothing is asked', async () => {
    const server = await scripted((socket) => socket.write(answer(200, { 'Content-Length': 7 })));
    const { report, results } = await collect(httpHead, testFiles(5), server.url);
    expect(report).toMatchObject({ ended: 'unusable', reason: SOFT });
    expect(tally(results)).toEqual({ [`failed: ${SOFT}`]: 5 });
    expect(server.paths.every((path) => path.includes('no-such-file'))).toBe(true);
  });

  test('a soft 404 that begins in the middle takes back what was found', async () => {
    const server = await scripted((socket, path, _, asked) => {
      socket.write(asked > 2 ? answer(200, { 'Content-Length': 7 }) : fine(path));
    });
    const { report, results } = await collect(httpHead, testFiles(5), server.url);
    expect(report).toMatchObject({ ended: 'unusable', reason: SOFT });
    expect(tally(results)).toEqual({ [`failed: ${SOFT}`]: 5 });
  });

  test('a redirect for every name is not followed a thousand times', async () => {
    const server = await scripted((socket, path) => {
      socket.write(answer(301, { Location: `https://new.example${path}`, 'Content-Length': 0 }));
    });
    const { report } = await collect(httpHead, testFiles(1000), server.url);
    expect(report.ended).toBe('unusable');
    expect(report.reason).toBe('redirects (301) to "https://new.example" whatever it is asked for');
    expect(server.paths.length).toBeLessThan(50);
  });

  test('403 for missing names is put up with where present ones are answered', async () => {
    const server = await scripted((socket, path) => {
      socket.write(answer(/such-file|f1$/.test(path) ? 403 : 200, { 'Content-Length': 7 }));
    });
    const { report, results } = await collect(httpHead, testFiles(3), server.url);
    expect(report.ended).toBe('whole');
    expect(tally(results)).toEqual({ 'present 7': 2, 'failed: answers 403 (forbidden)': 1 });
  });
});

describe('faults end in bounded time, prove nothing and leave no socket', () => {
  const rows: [name: string, respond: Responder, reason: string][] = [
    ['hangs', () => {}, 'no answer within 1 s'],
    ['closes at once', (socket) => socket.destroy(), 'closes the connection without a whole answer'],
    ['resets', (socket) => socket.resetAndDestroy(), 'connection reset'],
    ['answers garbage', (socket) => socket.write('\u0000\u001b[31mSSH-2.0\r\n\r\n'), 'its answer is not HTTP'],
    ['endless headers', (socket) => endlessly(socket, `X: ${'y'.repeat(4000)}\r\n`), 'sends headers without end'],
    ['endless interim answers', (socket) => endlessly(socket, answer(103), 2, ''), 'sends interim answers without end'],
    ['a drip of a header', (socket) => endlessly(socket, 'X', 200), 'no answer within 1 s'],
  ];
  test.each(rows)('from the start: %s', async (_, respond, reason) => {
    const server = await scripted(onceFaulty(respond));
    const startedAtMs = Date.now();
    const { report, results } = await collect(httpHead, testFiles(500), server.url);
    expect(Date.now() - startedAtMs).toBeLessThan(8000);
    expect(report.ended).toBe('unusable');
    expect(report.reason).toBe(reason);
    expect(tally(results)).toEqual({ [`failed: ${report.reason}`]: 500 });
    await expect.poll(server.open).toBe(0);
  });

  test.each(rows)('in the middle: %s', async (_, respond, reason) => {
    const server = await scripted((socket, path, nth, asked, method) => {
      if (asked <= 50 && !faulty.has(socket)) socket.write(fine(path));
      else onceFaulty(respond)(socket, path, nth, asked, method);
    });
    const startedAtMs = Date.now();
    const { report, results, repeated } = await collect(httpHead, testFiles(500), server.url);
    expect(Date.now() - startedAtMs).toBeLessThan(12_000);
    expect(report.ended).toBe('partial');
    expect(report.reason).toBe(reason);
    // What it showed before cannot be confirmed any more.
    expect(tally(results)).toEqual({ [`failed: ${report.reason}`]: 500 });
    expect(repeated).toEqual([]);
    await expect.poll(server.open).toBe(0);
  });

  test('connection refused', async () => {
    const server = await startScripted(() => {});
    await server.close();
    const { report, results } = await collect(httpHead, testFiles(3), server.url);
    expect(report).toMatchObject({ ended: 'unusable', reason: 'connection refused' });
    expect(tally(results)).toEqual({ 'failed: connection refused': 3 });
  });

  test('a name that does not resolve', async () => {
    const { report } = await collect(httpHead, testFiles(3), 'http://mirror.invalid/');
    expect(report.ended).toBe('unusable');
    expect(report.reason).toMatch(/^the name (does not resolve|cannot be resolved for now)$/);
  });

  test('one object that always hangs fails alone', async () => {
    const server = await scripted((socket, path) => {
      if (path.endsWith('/f13')) faulty.add(socket);
      if (!faulty.has(socket)) socket.write(fine(path));
    });
    const { report, results } = await collect(httpHead, testFiles(300), server.url);
    expect(report.ended).not.toBe('unusable');
    expect(results['distfiles/f13']).toBe('failed: no answer within 1 s');
  });

  test('one object whose question is always cut fails alone', async () => {
    const server = await scripted((socket, path) => {
      if (path.endsWith('/f13')) socket.end();
      else socket.write(fine(path));
    });
    const { report, results } = await collect(httpHead, testFiles(300), server.url);
    expect(report.ended).toBe('whole');
    expect(tally(results)).toEqual({ 'present 7': 299, 'failed: closes the connection without a whole answer': 1 });
  });

  test('slow answers are waited for', async () => {
    const server = await scripted((socket, path) => setTimeout(() => socket.write(fine(path)), 100));
    const { results } = await collect(httpHead, testFiles(400), server.url);
    expect(tally(results)).toEqual({ 'present 7': 400 });
  });

  test('interrupted: it ends at once, and what was not answered is left alone', async () => {
    const abort = new AbortController();
    const server = await scripted((socket, path, _, asked) => {
      if (asked <= 400) socket.write(fine(path));
      else abort.abort();
    });
    const { report, results } = await collect(httpHead, testFiles(500), server.url, {
      timeoutMs: 10_000,
      signal: abort.signal,
    });
    expect(report).toMatchObject({ ended: 'interrupted', reason: '' });
    expect(Object.keys(tally(results))).toEqual(['present 7']);
    expect(Object.keys(results).length).toBeLessThanOrEqual(400);
    await expect.poll(server.open).toBe(0);
  });
});

/** The first fault on a connection is the end of right answers there: servers answer in order. */
const faulty = new WeakSet<Socket>();
function onceFaulty(respond: Responder): Responder {
  return (socket, path, nth, asked, method) => {
    if (faulty.has(socket)) return;
    faulty.add(socket);
    respond(socket, path, nth, asked, method);
  };
}

function endlessly(socket: Socket, text: string, everyMs = 2, start = 'HTTP/1.1 200 OK\r\n'): void {
  socket.write(start);
  const timer = setInterval(() => socket.write(text), everyMs);
  socket.on('close', () => clearInterval(timer));
}

describe('connections that are cut lose nothing', () => {
  test.each([1, 2, 5, 100, 1000])('after %i answers, without a word', async (limit) => {
    const server = await scripted((socket, path, nth) => {
      socket.write(fine(path));
      if (nth === limit) socket.end();
    });
    const { report, results, repeated } = await collect(httpHead, testFiles(2500), server.url);
    expect(tally(results)).toEqual({ 'present 7': 2500 });
    expect(report.ended).toBe('whole');
    expect(repeated).toEqual([]);
  });

  test('one answer on each connection: later ones are used once, and no question runs into a cut', async () => {
    const server = await scripted((socket, path, nth) => {
      if (nth === 1) socket.write(fine(path), () => setTimeout(() => socket.destroy(), 3));
    });
    const { report, results } = await collect(httpHead, testFiles(3000), server.url);
    expect(tally(results)).toEqual({ 'present 7': 3000 });
    expect(report.requests).toBeLessThan(3000 + 1500);
  });

  test('few answers on a connection: it is asked one at a time', async () => {
    const server = await scripted((socket, path, nth) => {
      socket.write(fine(path));
      if (nth === 3) socket.end();
    });
    const { report } = await collect(httpHead, testFiles(1500), server.url);
    expect(report.requests).toBeLessThan(1500 * 1.7);
  });

  test.each([1, 100, 1000])('nginx with keepalive_requests %i', async (limit) => {
    const root = keep(tempFolder());
    const sizes = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`distfiles/f${i}`, i % 50]));
    plantFiles(root.path, sizes);
    symlinkSync('distfiles', join(root.path, 'link'));
    const server = keep(await startNginx(root.path, `keepalive_requests ${limit};`));
    const inventory = testInventory([
      ...Object.entries(sizes).map(([path, sizeBytes]) => ({ path, sizeBytes })),
      { path: 'distfiles' },
      { path: 'link', target: 'distfiles', leadsTo: 'distfiles' },
      ...Array.from({ length: 100 }, (_, i) => ({ path: `distfiles/missing${i}`, sizeBytes: 1 })),
    ]);
    const { report, results, repeated } = await collect(httpHead, inventory, server.url, { timeoutMs: 5000 });
    expect(report.ended).toBe('whole');
    expect(repeated).toEqual([]);
    const expected = inventory.paths.map((path) => {
      const size = sizes[path];
      return [path, path.includes('missing') ? 'absent' : size === undefined ? 'present' : `present ${size}`];
    });
    expect(results).toEqual(Object.fromEntries(expected));
  });
});
