import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { requires } from '../../test/debian-packages.ts';
import { keep } from '../../test/keep.ts';
import { checkerSuite } from '../../test/suites/checker.ts';
import { tempFolder } from '../../test/temp-folder.ts';
import { collect, tally } from '../testing/collect.ts';
import { indexPage, indexRow, withBody } from '../testing/index-pages.ts';
import { type TestObject, testInventory } from '../testing/inventory.ts';
import { plantFiles, scripted, startNginx } from '../testing/servers.ts';
import { httpListing } from './http-listing.ts';

requires('nginx')('over nginx', () => {
  checkerSuite({
    ...{ name: 'http-listing', method: httpListing },
    serve: (folder) => startNginx(folder),
    // Beneath a link nothing is listed.
    hinted: /^current\/.*xz$/,
    unprovable: /^\./,
  });
});

const OBJECTS: TestObject[] = [
  { path: 'distfiles' },
  { path: 'distfiles/ab' },
  { path: 'distfiles/ab/x%23y.tar.xz', sizeBytes: 12345 },
  { path: 'distfiles/ab/z.tar.xz', sizeBytes: 7 },
  { path: 'distfiles/cd' },
  { path: 'distfiles/cd/w.tar.xz', sizeBytes: 9 },
  { path: 'releases' },
  { path: 'releases/r.iso', sizeBytes: 5 },
];
const INVENTORY = testInventory(OBJECTS);

const PAGES: Readonly<Record<string, string>> = {
  '/g/': indexPage('/g/', indexRow('distfiles/', '-'), indexRow('releases/', '-')),
  '/g/distfiles/': indexPage('/g/distfiles/', indexRow('../', '-'), indexRow('ab/', '-'), indexRow('cd/', '-')),
  '/g/distfiles/ab/': indexPage('/g/distfiles/ab/', indexRow('x%23y.tar.xz', 12345), indexRow('z.tar.xz', 7)),
  '/g/distfiles/cd/': indexPage('/g/distfiles/cd/', indexRow('w.tar.xz', 9)),
  '/g/releases/': indexPage('/g/releases/', indexRow('r.iso', 5)),
};
const send = (socket: Socket, status: number, body: string, headers?: string) =>
  socket.write(withBody(status, body, headers));

/** A server of `PAGES`, some of them replaced; null = 404; 'silence' = nothing more on that connection; a function does it all itself. */
async function serve(other: Readonly<Record<string, string | null | ((socket: Socket, asked: number) => void)>> = {}) {
  const askedFor = new Map<string, number>();
  const silent = new Set<Socket>();
  const server = await scripted((socket, path) => {
    const nth = (askedFor.get(path) ?? 0) + 1;
    askedFor.set(path, nth);
    const page = path in other ? other[path] : PAGES[path];
    if (page === 'silence') silent.add(socket);
    if (silent.has(socket)) return;
    if (typeof page === 'function') page(socket, nth);
    else send(socket, page == null ? 404 : 200, page ?? '');
  });
  const check = (options: Parameters<typeof collect>[3] = {}) =>
    collect(httpListing, INVENTORY, `${server.url}g/`, { timeoutMs: 500, ...options });
  return { server, check };
}

const ALL_PRESENT = {
  distfiles: 'present',
  'distfiles/ab': 'present',
  'distfiles/ab/x%23y.tar.xz': 'present 12345',
  'distfiles/ab/z.tar.xz': 'present 7',
  'distfiles/cd': 'present',
  'distfiles/cd/w.tar.xz': 'present 9',
  releases: 'present',
  'releases/r.iso': 'present 5',
};

describe('index pages with exact sizes', () => {
  test('prove what they show, with one request for each directory', async () => {
    const { server, check } = await serve();
    const { report, results, repeated } = await check();
    expect(report).toMatchObject({ ended: 'whole', reason: '', requests: 5, connections: server.accepted() });
    expect([results, repeated]).toEqual([ALL_PRESENT, []]);
    expect([...server.paths].sort()).toEqual(Object.keys(PAGES).sort());
    await expect.poll(server.open).toBe(0);
  });

  test('another size is different, a missing name absent, what lies in a missing directory too', async () => {
    const { server, check } = await serve({
      '/g/distfiles/': indexPage('/g/distfiles/', indexRow('ab/', '-')),
      '/g/distfiles/ab/': indexPage('/g/distfiles/ab/', indexRow('x%23y.tar.xz', 12344)),
    });
    const { report, results } = await check();
    expect(report.ended).toBe('whole');
    expect(results).toEqual({
      ...ALL_PRESENT,
      'distfiles/ab/x%23y.tar.xz': 'different 12344',
      'distfiles/ab/z.tar.xz': 'absent',
      'distfiles/cd': 'absent',
      'distfiles/cd/w.tar.xz': 'absent',
    });
    expect(server.paths).not.toContain('/g/distfiles/cd/');
  });

  test('a redirect to another spelling of the same directory is followed, once', async () => {
    const to = (path: string) => (socket: Socket) => send(socket, 301, '', `Location: ${path}\r\n`);
    const { check, server } = await serve({ '/g/releases/': to('/g/%72eleases/') });
    const loop = await check();
    expect(loop.results['releases/r.iso']).toBe('failed: answers 404 (not found)');
    expect(server.paths).toContain('/g/%72eleases/');
    const other = await serve({
      '/g/releases/': to('/g/%72eleases/'),
      '/g/%72eleases/': indexPage('/g/releases/', indexRow('r.iso', 5)),
      '/g/distfiles/ab/': to('/g/elsewhere/'),
    });
    const { results, report } = await other.check();
    expect(results['releases/r.iso']).toBe('present 5');
    expect(results['distfiles/ab/z.tar.xz']).toBe('failed: redirects (301) to a path of its own');
    expect(report).toMatchObject({ ended: 'partial' });
  });
});

test('rounded sizes and none are hints where they fit, and prove nothing where they do not', async () => {
  const { check } = await serve({
    '/g/distfiles/ab/': indexPage('/g/distfiles/ab/', indexRow('x%23y.tar.xz', '12K'), indexRow('z.tar.xz', '1.0M')),
    '/g/distfiles/cd/':
      '<html><title>Directory listing for /g/distfiles/cd/</title><ul><li><a href="w.tar.xz">w</a></ul></html>',
  });
  const { results, report } = await check();
  expect(report.ended).toBe('whole');
  expect(results).toMatchObject({
    'distfiles/ab/x%23y.tar.xz': 'hint',
    'distfiles/ab/z.tar.xz': 'failed: not to be told from an index page',
    'distfiles/cd/w.tar.xz': 'hint',
    'releases/r.iso': 'present 5',
  });
});

test('where an answer is lost, those that take its place are not believed', async () => {
  // The answers after it come one too early.
  const { check } = await serve({ '/g/distfiles/ab/': (socket, nth) => nth > 1 && send(socket, 500, '') });
  const { results } = await check();
  expect(Object.values(results).join()).not.toMatch(/absent|different/);
  expect(results['distfiles/ab/z.tar.xz']).toMatch(/^failed: /);
});

describe('nothing turns absent', () => {
  const lacking = indexPage('/g/distfiles/ab/', indexRow('z.tar.xz', 7));
  const LOST = 'distfiles/ab/x%23y.tar.xz';
  const cases: [string, Parameters<typeof serve>[0], RegExp][] = [
    ['where a page is cut in the middle', { '/g/distfiles/ab/': lacking.slice(0, -15) }, /breaks off|without end/],
    ['where a page has another end than its list', { '/g/distfiles/ab/': lacking.replace('</pre>', '') }, /breaks|end/],
    [
      'where the connection is cut',
      {
        '/g/distfiles/ab/': (socket) => socket.end(`HTTP/1.1 200 X\r\nContent-Length: 9999\r\n\r\n${lacking}`),
      },
      /closes the connection/,
    ],
    ['where a page is refused', { '/g/distfiles/ab/': (socket) => send(socket, 403, 'no') }, /answers 403/],
    ['where a page is not found', { '/g/distfiles/ab/': null }, /answers 404/],
    [
      'where another page stands in its place',
      { '/g/distfiles/ab/': '<html><h1>Hello</h1><ul></ul></html>' },
      /no index/,
    ],
    ['where the server falls silent', { '/g/distfiles/ab/': 'silence' }, /no answer within 0.5 s/],
    [
      'where a page is compressed',
      { '/g/distfiles/ab/': (socket) => send(socket, 200, lacking, 'Content-Encoding: gzip\r\n') },
      /compressed without being asked/,
    ],
    [
      'where a parent page is cut, and its directories are asked for all the same',
      {
        '/g/distfiles/': indexPage('/g/distfiles/', indexRow('cd/', '-')).slice(0, -15),
        '/g/distfiles/ab/': (socket) => send(socket, 500, ''),
      },
      /answers 500/,
    ],
  ];
  test.each(cases)('%s', async (_, other, reason) => {
    const { check, server } = await serve(other);
    const { results, report } = await check();
    expect(Object.values(results)).not.toContain('absent');
    expect(results[LOST]).toMatch(reason);
    expect(results[LOST]).toMatch(/^failed: /);
    expect(results['distfiles/cd/w.tar.xz']).toBe('present 9');
    expect(results['releases/r.iso']).toBe('present 5');
    expect(report.ended).toBe('partial');
    await expect.poll(server.open).toBe(0);
  });

  test('of names that servers often leave out', async () => {
    const names = ['.hidden', 'README.txt', 'x~', 'HEADER.html', 'a%23', '.d/x', 'plain'];
    const inventory = testInventory(names.map((path) => ({ path, sizeBytes: 1 })));
    const server = await scripted((socket) => send(socket, 200, indexPage('/')));
    const { results } = await collect(httpListing, inventory, server.url);
    const absent = Object.keys(results).filter((path) => results[path] === 'absent');
    expect(absent).toEqual(['plain']);
  });
});

test('a connection that is cut is made again, and the page asked for again', async () => {
  const { check } = await serve({
    '/g/distfiles/ab/': (socket, nth) => {
      if (nth < 3)
        socket.end(
          `HTTP/1.1 200 X\r\nContent-Length: 9999\r\n\r\n<html><h1>Index of /ab</h1><pre>${indexRow('z.t', 1)}`,
        );
      else send(socket, 200, PAGES['/g/distfiles/ab/'] as string);
    },
  });
  const { report, results } = await check();
  expect([report.ended, results]).toEqual(['whole', ALL_PRESENT]);
});

describe('a server without index pages is found out with a few requests', () => {
  test.each([
    ['answers 403', (socket: Socket) => send(socket, 403, ''), /^answers 403 \(forbidden\)$/],
    [
      'shows a page of its own',
      (socket: Socket) => send(socket, 200, '<html>Hello'),
      'no index page of a known server',
    ],
    [
      'asks for a login',
      (socket: Socket) => send(socket, 302, '', 'Location: https://login.example.org/?x=1\r\n'),
      /redirects \(302\) to "https:\/\/login.example.org"/,
    ],
  ])('%s', async (_, respond, reason) => {
    const many = testInventory(Array.from({ length: 300 }, (_, i) => ({ path: `d${i}/f`, sizeBytes: 1 })));
    const server = await scripted(respond);
    const { report, results } = await collect(httpListing, many, server.url);
    expect(report).toMatchObject({ ended: 'unusable', reason: expect.stringMatching(reason) });
    expect(server.paths.length).toBeLessThanOrEqual(5);
    expect(tally(results)).toEqual({ [`failed: ${report.reason}`]: 300 });
  });

  test('nobody there, or silent', async () => {
    const dead = await collect(httpListing, INVENTORY, 'http://127.0.0.1:1/');
    expect(dead.report).toMatchObject({ ended: 'unusable', reason: 'connection refused' });
    const { check, server } = await serve({ '/g/': 'silence' });
    expect((await check({ timeoutMs: 100 })).report).toMatchObject({
      ended: 'unusable',
      reason: 'no answer within 0.1 s',
    });
    await expect.poll(server.open).toBe(0);
  });
});

test('a page without end is given up at its bound', async () => {
  const { check, server } = await serve({
    '/g/distfiles/ab/': (socket) => {
      socket.write('HTTP/1.1 200 X\r\n\r\n<html><h1>Index of /ab</h1><pre>');
      const chunk = Buffer.from(indexRow('filler', 1).repeat(5000));
      const pour = () => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', pour);
      pour();
    },
  });
  const { results, report } = await check({ timeoutMs: 5000 });
  expect(results['distfiles/ab/z.tar.xz']).toBe('failed: sends a page without end');
  expect(results['distfiles/cd/w.tar.xz']).toBe('present 9');
  expect(report.ended).toBe('partial');
  await expect.poll(server.open).toBe(0);
});

test('interrupted, it ends at once, proves what it saw, and fails nothing', async () => {
  const abort = new AbortController();
  const { check, server } = await serve({ '/g/distfiles/ab/': () => abort.abort() });
  const { report, results } = await check({ signal: abort.signal, timeoutMs: 20_000 });
  expect(report.ended).toBe('interrupted');
  expect(Object.values(results).some((text) => /absent|failed/.test(text))).toBe(false);
  await expect.poll(server.open).toBe(0);
});

test('a real nginx: a name on each page that is there, one that is not', async () => {
  const root = keep(tempFolder());
  plantFiles(root.path, { 'distfiles/ab/x#y.tar.xz': 12345, 'distfiles/cd/w.tar.xz': 8, 'releases/other': 1 });
  const nginx = keep(await startNginx(root.path));
  const { results, report } = await collect(httpListing, INVENTORY, nginx.url);
  expect(report).toMatchObject({ ended: 'whole', requests: 5 });
  expect(results).toEqual({
    ...ALL_PRESENT,
    'distfiles/ab/z.tar.xz': 'absent',
    'distfiles/cd/w.tar.xz': 'different 8',
    'releases/r.iso': 'absent',
  });
});
