import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { HostBudget, type HostLimits } from '../net/host-budget.ts';
import { collect, tally } from '../testing/collect.ts';
import { type FtpTalk, scriptedFtp } from '../testing/ftp-server.ts';
import { indexPage, indexRow, withBody } from '../testing/index-pages.ts';
import { testInventory } from '../testing/inventory.ts';
import { scripted } from '../testing/servers.ts';
import { WatchedBudget } from '../testing/watched-budget.ts';
import { ftp } from './ftp.ts';
import { httpListing } from './http-listing.ts';

const DIRECTORIES = 40;
const inventory = testInventory(Array.from({ length: DIRECTORIES }, (_, i) => ({ path: `d${i}/f`, sizeBytes: 5 })));
const ALL_PRESENT = { 'present 5': DIRECTORIES };
const UNLIMITED: HostLimits = {
  connections: 4,
  requestsPerSecond: Number.POSITIVE_INFINITY,
  bytesPerSecond: Number.POSITIVE_INFINITY,
};
const budgetOf = (limits: Partial<HostLimits>) => new HostBudget({ ...UNLIMITED, ...limits });

const rowsOf = (path: string) => (path === '/' ? inventory.paths.map((each) => each.replace('/f', '/')) : ['f']);

function pageOf(path: string, rows: readonly string[] = rowsOf(path)): string {
  return withBody(200, indexPage(path, ...rows.map((name) => indexRow(name, 5))));
}

/** A server of index pages, which answers a little late and sees how much it is asked at once. */
async function pages(instead: (socket: Socket, path: string, asked: number) => boolean = () => false) {
  const most = { waiting: 0, open: 0 };
  let waiting = 0;
  const server = await scripted((socket, path, _nth, asked) => {
    most.waiting = Math.max(most.waiting, ++waiting);
    most.open = Math.max(most.open, server.open());
    setTimeout(() => {
      waiting--;
      if (!instead(socket, path, asked)) socket.write(pageOf(path));
    }, 5);
  });
  const check = (budget: HostBudget, timeoutMs = 2000) =>
    collect(httpListing, inventory, server.url, { budget, timeoutMs });
  return { server, most, check };
}

test.each([3, 8])(
  'a host that ends each connection after %i answers is soon asked one at a time, and nothing is lost',
  async (answers) => {
    const many = testInventory(Array.from({ length: 150 }, (_, i) => ({ path: `d${i}/f`, sizeBytes: 5 })));
    const names = many.paths.map((path) => path.replace('/f', '/'));
    const underWay = new Map<Socket, number>();
    /** How many requests of its connection had no answer when each came. */
    const ahead: number[] = [];
    const server = await scripted((socket, path, nth) => {
      const waiting = underWay.get(socket) ?? 0;
      ahead.push(waiting);
      underWay.set(socket, waiting + 1);
      // What came in the same packet is counted first.
      setImmediate(() => {
        if (nth > answers || !socket.writable) return;
        underWay.set(socket, (underWay.get(socket) ?? 0) - 1);
        const page = pageOf(path, path === '/' ? names : ['f']);
        if (nth === answers) socket.end(page);
        else socket.write(page);
      });
    });
    const { report, results } = await collect(httpListing, many, server.url, { timeoutMs: 5000 });
    expect([report.ended, tally(results)]).toEqual(['whole', { 'present 5': 150 }]);
    expect(Math.max(...ahead)).toBeGreaterThan(1);
    expect(Math.max(...ahead.slice(-75))).toBe(0);
  },
);

test('a host that makes one page at a time, and refuses others meanwhile, is soon asked for one at a time', async () => {
  let waiting = 0;
  let refused = 0;
  const server = await scripted((socket, path) => {
    waiting++;
    setTimeout(() => {
      const isDisturbed = waiting > 1;
      if (isDisturbed) refused++;
      socket.write(isDisturbed ? 'HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n' : pageOf(path));
      waiting--;
    }, 2);
  });
  const { report, results } = await collect(httpListing, inventory, server.url, { timeoutMs: 500 });
  expect([report.ended, tally(results)]).toEqual(['whole', ALL_PRESENT]);
  // Sixteen together at first, four after the first pause.
  expect(refused).toBeGreaterThan(0);
  expect(refused).toBeLessThanOrEqual(16 + 4);
});

test('nothing waits behind a long page: others are asked for on the other connection', async () => {
  const others = Array.from({ length: 30 }, (_, i) => `d${i}`);
  const long = Array.from({ length: 50 }, (_, i) => `long/f${i}`);
  const paths = ['f', ...long, ...others.map((name) => `${name}/f`)];
  const tree = testInventory(paths.map((path) => ({ path, sizeBytes: 5 })));
  const namesOn = (path: string) =>
    path === '/'
      ? ['long/', ...others.map((name) => `${name}/`), 'f']
      : path === '/long/'
        ? long.map((f) => f.slice(5))
        : ['f'];
  let answered = 0;
  const held: { socket: Socket; path: string }[] = [];
  const answer = (socket: Socket, path: string) => void socket.write(pageOf(path, namesOn(path)));
  const server = await scripted((socket, path) => {
    if (path === '/long/' || held.some((one) => one.socket === socket)) held.push({ socket, path });
    else {
      answer(socket, path);
      if (++answered === 1 + others.length) for (const one of held) answer(one.socket, one.path);
    }
  });
  const { report, results } = await collect(httpListing, tree, server.url, { timeoutMs: 5000 });
  expect(tally(results)).toEqual({ 'present 5': paths.length });
  // None was waited for in vain, and asked for again.
  expect(report.requests).toBe(2 + others.length);
});

describe('index pages are asked for as the account of their host allows', () => {
  test('two connections with eight requests on each, where there is no reason for fewer', async () => {
    const { most, check } = await pages();
    const { results, report } = await check(budgetOf({}));
    expect(tally(results)).toEqual(ALL_PRESENT);
    expect(most.open).toBe(2);
    expect(most.waiting).toBeLessThanOrEqual(16);
    expect(report.bytes).toBeGreaterThan(DIRECTORIES * 200);
  });

  test('two checks that share three connections open no more', async () => {
    const { most, check } = await pages();
    const budget = budgetOf({ connections: 3 });
    const both = await Promise.all([check(budget), check(budget)]);
    for (const { results } of both) expect(tally(results)).toEqual(ALL_PRESENT);
    expect(most.open).toBe(3);
    expect(await budget.reserve(9, AbortSignal.timeout(1000))).toBe(3);
  });

  test('a rate is kept', async () => {
    const { server, check } = await pages();
    const startedAtMs = performance.now();
    const { results } = await check(budgetOf({ requestsPerSecond: 50 }));
    expect(tally(results)).toEqual(ALL_PRESENT);
    expect(performance.now() - startedAtMs).toBeGreaterThan(((server.paths.length - 6) / 50) * 1000);
  });

  test('what was received holds requests back', async () => {
    const { check } = await pages();
    const startedAtMs = performance.now();
    const { report } = await check(budgetOf({ bytesPerSecond: 10_000 }));
    // The last pages may have left together.
    expect(performance.now() - startedAtMs).toBeGreaterThan(((report.bytes as number) / 10_000) * 1000 * 0.5);
  });

  test('Retry-After is waited for by every request, and nothing is lost', async () => {
    const budget = new WatchedBudget();
    let untilMs = 0;
    const { check } = await pages((socket, _, asked) => {
      const nowMs = performance.now();
      if (asked === 10) untilMs = nowMs + 950;
      if (nowMs > untilMs) return false;
      socket.write('HTTP/1.1 429 X\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n');
      return true;
    });
    const { results, report } = await check(budget);
    expect(tally(results)).toEqual(ALL_PRESENT);
    expect(report).toMatchObject({ ended: 'whole', reason: '' });
    expect(budget.refusals).toBeGreaterThan(0);
    expect(budget.early).toBe(0);
  });

  test('interrupted while it waits for the host, it ends at once', async () => {
    const { check, server } = await pages((socket) => {
      socket.write('HTTP/1.1 503 X\r\nRetry-After: 300\r\nContent-Length: 0\r\n\r\n');
      return true;
    });
    const abort = new AbortController();
    const checked = collect(httpListing, inventory, server.url, { signal: abort.signal });
    await expect.poll(() => server.paths.length).toBe(1);
    abort.abort();
    expect((await checked).report.ended).toBe('interrupted');
    const waiting = await check(budgetOf({}), 5);
    expect(waiting.report).toMatchObject({ ended: 'unusable' });
    await expect.poll(server.open).toBe(0);
  });
});

/** Lists the directories of the inventory. */
function listsAll(talk: FtpTalk, command: string, nth: number): boolean {
  if (command !== 'MLSD') return false;
  const root = inventory.paths.map((path) => `type=dir; ${path.replace('/f', '')}\r\n`).join('');
  void talk.list(`type=cdir; .\r\n${nth === 1 ? root : 'type=file;size=5; f\r\n'}`);
  return true;
}

describe('directories are listed over ftp as the account of their host allows', () => {
  test('a session counts as one connection: two checks that share one are made one after the other', async () => {
    const roots = new WeakSet<FtpTalk>();
    let most = 0;
    const server = await scriptedFtp((talk, command) => {
      most = Math.max(most, server.open());
      if (command !== 'MLSD') return false;
      const isRoot = !roots.has(talk);
      roots.add(talk);
      return listsAll(talk, command, isRoot ? 1 : 2);
    });
    const budget = budgetOf({ connections: 1 });
    const both = await Promise.all([1, 2].map(() => collect(ftp, inventory, server.url, { budget })));
    for (const { results } of both) expect(tally(results)).toEqual(ALL_PRESENT);
    // With the one for data, which belongs to the session.
    expect(most).toBe(2);
    expect(await budget.reserve(9, AbortSignal.timeout(1000))).toBe(1);
    expect(both[0]?.report.bytes).toBeGreaterThan(DIRECTORIES * 100);
  });

  test('a rate is kept', async () => {
    const server = await scriptedFtp((talk, command, _, nth) => listsAll(talk, command, nth));
    const startedAtMs = performance.now();
    const eight = testInventory(inventory.paths.slice(0, 8).map((path) => ({ path, sizeBytes: 5 })));
    await collect(ftp, eight, server.url, { budget: budgetOf({ requestsPerSecond: 10 }) });
    expect(performance.now() - startedAtMs).toBeGreaterThan(((9 - 2) / 10) * 1000);
  });

  const tree = testInventory([{ path: '' }, { path: 'distfiles' }, { path: 'distfiles/f', sizeBytes: 5 }]);
  /** Lists the root, and nothing after it; then the connection is gone, and every further login is answered so. */
  const fullAfterRoot = (login: string) =>
    scriptedFtp((talk, command, _, nth) => {
      if (command === 'PASS' && nth > 1) talk.say(login);
      else if (command === 'MLSD')
        void talk.list('type=cdir; .\r\ntype=dir; distfiles\r\n').then(() => talk.socket.end());
      else return false;
      return true;
    });

  test('a house that is full in the middle is knocked at three times; what was not reached has not failed', async () => {
    const server = await fullAfterRoot('421 Too many of you');
    const { report, results } = await collect(ftp, tree, server.url);
    const reason = 'refuses the anonymous login: "421 Too many of you": no room for us';
    expect(report).toMatchObject({ ended: 'busy', reason, requests: 1, connections: 4 });
    expect(results).toEqual({ '': 'present', distfiles: 'present' });
    expect(server.commands.filter((line) => line.startsWith('PASS'))).toHaveLength(4);
  });

  test('an end of service for another reason is a failure as any other', async () => {
    const { url } = await fullAfterRoot('421 Service not available');
    const { report, results } = await collect(ftp, tree, url);
    expect(report).toMatchObject({ ended: 'whole' });
    expect(results['distfiles/f']).toBe('failed: refuses the anonymous login: "421 Service not available"');
  });
});
