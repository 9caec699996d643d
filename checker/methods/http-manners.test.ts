import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { headAll } from '../net/head-run.ts';
import { HostBudget } from '../net/host-budget.ts';
import { PORTAGE_USER_AGENT } from '../net/user-agent.ts';
import { collect, tally } from '../testing/collect.ts';
import { testInventory } from '../testing/inventory.ts';
import { answer, orNotFound, type Responder, type ScriptedServer, startScripted } from '../testing/servers.ts';
import { WatchedBudget } from '../testing/watched-budget.ts';
import { httpHead } from './http-head.ts';

const toClose: { close: () => void | Promise<void> }[] = [];
afterEach(async () => {
  for (const each of toClose.splice(0).reverse()) await each.close();
});

async function scripted(respond: Responder): Promise<ScriptedServer> {
  const server = await startScripted(respond);
  toClose.push(server);
  return server;
}

const urlOf = ({ port }: { port: number }) => `http://127.0.0.1:${port}/`;
const COUNT = 500;
/** Every seventh is missing, the others differ in size. */
const sizeOf = (i: number) => 1000 + i;
const isMissing = (i: number) => i % 7 === 3;
const inventory = testInventory(
  Array.from({ length: COUNT }, (_, i) => ({ path: `distfiles/f${i}`, sizeBytes: sizeOf(i) })),
);
const expected = Object.fromEntries(
  inventory.paths.map((path, i) => [path, isMissing(i) ? 'absent' : `present ${sizeOf(i)}`]),
);

/** The right answer. */
function rightly(path: string): string {
  const i = Number(/f(\d+)$/.exec(path)?.[1] ?? -1);
  const there =
    i < 0 || isMissing(i) ? answer(404, { 'Content-Length': 0 }) : answer(200, { 'Content-Length': sizeOf(i) });
  return orNotFound(path, there);
}

/** Answers of one turn of the event loop, as `order` arranges them: single questions are answered rightly. */
function inTurns(order: (answers: string[]) => readonly string[]): Responder {
  const waiting = new WeakMap<Socket, string[]>();
  return (socket, path) => {
    const answers = waiting.get(socket);
    if (answers !== undefined) {
      answers.push(rightly(path));
      return;
    }
    waiting.set(socket, [rightly(path)]);
    setImmediate(() => {
      const now = waiting.get(socket) as string[];
      waiting.delete(socket);
      socket.write(order(now).join(''));
    });
  };
}

const swapped = (answers: readonly string[]) => answers.map((own, i) => answers[i % 2 === 0 ? i + 1 : i - 1] ?? own);
const MIXED_UP = 'answers several requests on one connection wrongly: asked one at a time';
const FALSE_ANSWER = answer(200, { 'Content-Length': 1 });

describe('a server that cannot be pipelined is asked one at a time', () => {
  const wrong: [name: string, respond: Responder][] = [
    ['answers swapped in pairs', inTurns(swapped)],
    ['every second question of a pipeline dropped', inTurns((answers) => answers.filter((_, i) => i % 2 === 0))],
    ['a body after HEAD', (socket, path) => socket.write(`${rightly(path)}hello, hello\n`)],
    [
      'a body that comes late',
      (socket, path) => socket.write(rightly(path), () => setTimeout(() => socket.write('hi'), 1)),
    ],
    ['a body that looks like an answer', (socket, path) => socket.write(`${rightly(path)}${FALSE_ANSWER}`)],
  ];
  test.each(wrong)('%s', async (_, respond) => {
    const server = await scripted(respond);
    const { report, results } = await collect(httpHead, inventory, urlOf(server));
    expect(results).toEqual(expected);
    expect(report).toMatchObject({ ended: 'whole', reason: MIXED_UP });
    // At most the trial, the whole and the repeats of what ran into a body.
    expect(server.paths.length).toBeLessThan(COUNT * 1.2 + 60);
  });

  test('the rest of a pipeline thrown away: without a word of blame', async () => {
    const server = await scripted(inTurns((answers) => answers.slice(0, 1)));
    const { report, results } = await collect(httpHead, inventory, urlOf(server), { timeoutMs: 500 });
    expect(results).toEqual(expected);
    expect(report).toMatchObject({ ended: 'whole', reason: '' });
  });

  test('answers that begin to be swapped in the middle are all asked for again', async () => {
    const swap = inTurns(swapped);
    const server = await scripted((socket, path, nth, asked, method) => {
      if (asked < 120) socket.write(rightly(path));
      else swap(socket, path, nth, asked, method);
    });
    const { report, results } = await collect(httpHead, inventory, urlOf(server));
    expect(results).toEqual(expected);
    expect(report).toMatchObject({ ended: 'whole', reason: MIXED_UP });
  });

  test('a body once in a while costs no more than the connection', async () => {
    const server = await scripted((socket, path, _, asked) => {
      socket.write(asked === 200 ? `${rightly(path)}oops` : rightly(path));
    });
    const { results } = await collect(httpHead, inventory, urlOf(server));
    expect(results).toEqual(expected);
    expect(server.paths.length).toBeLessThan(COUNT * 1.5);
  });
});

describe('a server that says "not so fast"', () => {
  test('429 with Retry-After: 1 after 50 requests: waited for, and nothing is lost', async () => {
    const few = testInventory(
      Array.from({ length: 150 }, (_, i) => ({ path: `distfiles/f${i}`, sizeBytes: sizeOf(i) })),
    );
    const budget = new WatchedBudget();
    let since = 0;
    let untilMs = 0;
    const server = await scripted((socket, path) => {
      const nowMs = performance.now();
      if (nowMs > untilMs && ++since <= 50) {
        socket.write(rightly(path));
        return;
      }
      if (nowMs > untilMs) {
        untilMs = nowMs + 950;
        since = 0;
      }
      socket.write(answer(429, { 'Content-Length': 0, 'Retry-After': 1 }));
    });
    const { report, results, repeated } = await collect(httpHead, few, urlOf(server), { timeoutMs: 10_000, budget });
    expect(results).toEqual(Object.fromEntries(few.paths.map((path) => [path, expected[path]])));
    expect(repeated).toEqual([]);
    expect(report).toMatchObject({ ended: 'whole', reason: '' });
    expect(budget.refusals).toBeGreaterThan(0);
    expect(budget.early).toBe(0);
  });

  test('a storm of 503 passes: all it hit is asked for again', async () => {
    const server = await scripted((socket, path, _, asked) => {
      const isStorm = asked > 150 && asked < 200;
      socket.write(isStorm ? answer(503, { 'Content-Length': 0 }) : rightly(path));
    });
    const { report, results } = await collect(httpHead, inventory, urlOf(server));
    expect(results).toEqual(expected);
    expect(report.ended).toBe('whole');
  });

  test('what it answers only while nothing else is asked (lighttpd: for directories) is asked by itself', async () => {
    const needsPeace = (path: string) => /f\d*5$/.test(path);
    let waiting = 0;
    let refused = 0;
    const server = await scripted((socket, path) => {
      waiting++;
      setTimeout(() => {
        const isDisturbed = waiting > 1 && needsPeace(path);
        if (isDisturbed) refused++;
        socket.write(isDisturbed ? answer(503, { 'Content-Length': 0 }) : rightly(path));
        // What comes in answer to this finds it gone.
        waiting--;
      }, 2);
    });
    const { report, results } = await collect(httpHead, inventory, urlOf(server), { timeoutMs: 500 });
    expect(results).toEqual(expected);
    expect(report).toMatchObject({ ended: 'whole', reason: '' });
    expect(refused).toBeGreaterThan(10);
  });

  test('a storm without end is given up, and proves nothing', async () => {
    const refused = new Map<string, number>();
    const server = await scripted((socket, path, _, asked) => {
      const isStorm = asked > 150;
      if (isStorm) refused.set(path, (refused.get(path) ?? 0) + 1);
      socket.write(isStorm ? answer(503, { 'Content-Length': 0 }) : rightly(path));
    });
    const { report, results, repeated } = await collect(httpHead, inventory, urlOf(server));
    const reason = 'answers 503 (service unavailable)';
    expect(report).toMatchObject({ ended: 'partial', reason });
    expect(repeated).toEqual([]);
    const wrong = Object.entries(results).filter(
      ([path, text]) => text !== expected[path] && text !== `failed: ${reason}`,
    );
    expect(wrong).toEqual([]);
    expect(Object.keys(results).length).toBe(COUNT);
    // The depth it had when the storm began, and one at a time from then on.
    expect(server.paths.length).toBeLessThan(COUNT);
    // However many were under way: each one more would be another pause.
    expect([...refused.values()].filter((times) => times > 1).length).toBeLessThan(12);
  });
});

describe('a server that refuses our User-Agent', () => {
  async function refusing(allowed: (userAgent: string) => boolean) {
    const agents = new Set<string>();
    const server = createServer((request, response) => {
      const userAgent = request.headers['user-agent'] ?? '';
      agents.add(userAgent);
      const [, status, length] = /^HTTP\/1.1 (\d+)[\s\S]*: (\d+)/.exec(
        rightly(request.url as string),
      ) as RegExpExecArray;
      response.writeHead(allowed(userAgent) ? Number(status) : 403, { 'content-length': length as string });
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    toClose.push({
      close: () => {
        server.closeAllConnections();
        server.close();
      },
    });
    return { port: (server.address() as AddressInfo).port, agents };
  }

  test('but serves Portage is asked as Portage, and that is told', async () => {
    const server = await refusing((userAgent) => userAgent === PORTAGE_USER_AGENT);
    const { report, results } = await collect(httpHead, inventory, urlOf(server));
    expect(results).toEqual(expected);
    expect(report).toMatchObject({ ended: 'whole', reason: 'refuses our User-Agent (403), but not that of Portage' });
  });

  test('and everybody else proves nothing', async () => {
    const server = await refusing(() => false);
    const { report, results } = await collect(httpHead, inventory, urlOf(server));
    const reason = 'answers 403 (forbidden) whatever it is asked for';
    expect(report).toMatchObject({ ended: 'unusable', reason });
    expect(tally(results)).toEqual({ [`failed: ${reason}`]: COUNT });
  });

  test('one that does not is never asked as Portage', async () => {
    const server = await refusing(() => true);
    await collect(httpHead, inventory, urlOf(server));
    expect([...server.agents]).toEqual(['redirector-test/1']);
  });
});

describe('the budget of a host', () => {
  const run = (url: string, budget: HostBudget) => ({
    origin: url.slice(0, -1),
    userAgent: 'redirector-test/1',
    count: 200,
    pathOf: (index: number) => `/distfiles/f${index}`,
    onAnswer: () => {},
    onFailure: () => {},
    connections: 4,
    depth: { first: 4, most: 64 },
    budget,
    maxStrikes: 3,
    timeoutMs: 1000,
    budgetMs: 60_000,
    signal: new AbortController().signal,
  });

  test('two runs together open no more connections than it allows', async () => {
    let most = 0;
    const server = await scripted((socket, path) => {
      most = Math.max(most, server.open());
      setTimeout(() => socket.write(rightly(path)), 2);
    });
    const limits = { requestsPerSecond: Number.POSITIVE_INFINITY, bytesPerSecond: Number.POSITIVE_INFINITY };
    const budget = new HostBudget({ connections: 5, ...limits });
    const reports = await Promise.all([headAll(run(urlOf(server), budget)), headAll(run(urlOf(server), budget))]);
    expect(reports.map(({ ended }) => ended)).toEqual(['whole', 'whole']);
    expect(most).toBe(5);
  });

  test('a rate is kept, and what was asked is counted', async () => {
    const server = await scripted((socket, path) => socket.write(rightly(path)));
    const budget = new HostBudget({ connections: 4, requestsPerSecond: 400, bytesPerSecond: 1_000_000 });
    const startedAtMs = performance.now();
    const report = await headAll(run(urlOf(server), budget));
    expect(performance.now() - startedAtMs).toBeGreaterThan(((200 - 41) / 400) * 1000);
    expect(report).toMatchObject({ ended: 'whole', requests: 200, connections: 4 });
    // A question has some 110 bytes, an answer some 40.
    expect(report.bytes).toBeGreaterThan(200 * 130);
    expect(report.bytes).toBeLessThan(200 * 190);
  });

  test('connections that are always cut after 100 answers: no question runs into the cut', async () => {
    const server = await scripted((socket, path, nth) => {
      socket.write(rightly(path));
      if (nth === 100) socket.end();
    });
    const limits = { requestsPerSecond: Number.POSITIVE_INFINITY, bytesPerSecond: Number.POSITIVE_INFINITY };
    const budget = new HostBudget({ connections: 4, ...limits });
    const report = await headAll({ ...run(urlOf(server), budget), count: 5000 });
    expect(report.ended).toBe('whole');
    expect(report.requests).toBeLessThan(5000 * 1.15);
    expect(report.deepest).toBeGreaterThanOrEqual(16);
  });
});
