import type { Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Acquaintance } from '../net/acquaintance.ts';
import { PORTAGE_USER_AGENT } from '../net/user-agent.ts';
import { collect } from '../testing/collect.ts';
import { testInventory } from '../testing/inventory.ts';
import { answer, orNotFound, type Responder, type ScriptedServer, startScripted } from '../testing/servers.ts';
import { httpHead } from './http-head.ts';

const toClose: ScriptedServer[] = [];
afterEach(async () => {
  for (const each of toClose.splice(0)) await each.close();
});

const files = (count: number) =>
  testInventory(Array.from({ length: count }, (_, i) => ({ path: `distfiles/f${i}`, sizeBytes: 1000 + i })));
const rightly = (path: string) => orNotFound(path, answer(200, { 'Content-Length': 1000 + Number(path.slice(12)) }));
const fine: Responder = (socket, path) => socket.write(rightly(path));

/** Checks of one run, one after the other; each answers its report and what it asked for. */
async function runOf(respond: Responder) {
  const server = await startScripted(respond);
  toClose.push(server);
  const acquaintance = new Acquaintance();
  return async (count: number) => {
    const before = server.paths.length;
    const url = `http://127.0.0.1:${server.port}/`;
    const { report } = await collect(httpHead, files(count), url, { acquaintance, timeoutMs: 500 });
    const asked = server.paths.slice(before).map((path, i) => `${server.methods[before + i]} ${path}`);
    const impossible = asked.filter((each) => each.includes('no-such')).length;
    const gets = asked.filter((each) => each.startsWith('GET')).length;
    return { report, asked, impossible, gets };
  };
}

test('a second check of a run is neither greeted nor tried, and asks for no GET of what was confirmed', async () => {
  const check = await runOf(fine);
  const first = await check(300);
  // A greeting with eight of each kind, the same together, and a look afterwards.
  expect([first.impossible, first.gets]).toEqual([2 * 8 + 2, 4]);
  const second = await check(300);
  // What is answered together is sampled each time.
  expect([second.impossible, second.gets, second.asked.length]).toEqual([2, 0, 300 + 8 + 2]);
  const few = await check(20);
  expect([few.impossible, few.gets, few.asked.length]).toEqual([2, 0, 20 + 2]);
});

test('after few objects, many are greeted all the same: known files tell whether our User-Agent is served', async () => {
  const check = await runOf(fine);
  expect((await check(20)).impossible).toBe(4);
  expect((await check(100)).impossible).toBe(2 * 4 + 2);
  expect((await check(100)).impossible).toBe(2);
});

test('one GET among few objects is not enough for many', async () => {
  const check = await runOf(fine);
  expect([(await check(20)).gets, (await check(20)).gets]).toEqual([1, 0]);
  expect([(await check(300)).gets, (await check(300)).gets]).toEqual([3, 0]);
});

test('what is found out beforehand is little beside what is asked for', async () => {
  for (const count of [65, 100, 200, 255, 1000]) {
    const check = await runOf(fine);
    const { asked } = await check(count);
    // Four to eight of each kind alone and together, a sample and two names afterwards, and four by GET.
    const some = Math.min(8, Math.max(4, Math.floor(count / 25)));
    expect(asked.length, `${count}`).toBe(count + 4 * some + some + 2 + 4);
    expect((await check(count)).asked.length, `${count} again`).toBe(count + some + 2);
  }
});

test('a hundred objects share their round trips', async () => {
  const waiting = new WeakMap<Socket, string>();
  let roundTrips = 0;
  // What comes at once is answered at once.
  const check = await runOf((socket, path) => {
    const before = waiting.get(socket);
    waiting.set(socket, (before ?? '') + rightly(path));
    if (before !== undefined) return;
    setImmediate(() => {
      roundTrips++;
      socket.write(waiting.get(socket) as string);
      waiting.delete(socket);
    });
  });
  const { report, asked } = await check(100);
  expect(report.ended).toBe('whole');
  expect(asked.length).toBeGreaterThan(100);
  // Over all connections, of which there are four.
  expect(roundTrips).toBeLessThan(65);
});

test('a check that does not come to its end is followed by a new greeting', async () => {
  let isSilent = false;
  const check = await runOf((socket, path, ...rest) => {
    if (!isSilent || path.includes('no-such')) fine(socket, path, ...rest);
  });
  await check(20);
  isSilent = true;
  expect((await check(20)).report.ended).toBe('partial');
  isSilent = false;
  const { report, impossible } = await check(20);
  expect([report.ended, impossible]).toEqual(['whole', 4]);
});

test('a host that mixed answers up is asked one a connection from then on', async () => {
  let waiting: { write: () => void } | null = null;
  // Two that wait together are swapped; one alone is answered a little later.
  const check = await runOf((socket, path) => {
    if (waiting !== null) {
      const { write } = waiting;
      waiting = null;
      socket.write(rightly(path));
      write();
      return;
    }
    const own = { write: () => void socket.write(rightly(path)) };
    waiting = own;
    setTimeout(() => {
      if (waiting === own) {
        waiting = null;
        own.write();
      }
    }, 5);
  });
  await check(300);
  const second = await check(300);
  expect(second.report).toMatchObject({
    ended: 'whole',
    reason: expect.stringMatching(/wrongly: asked one at a time$/),
  });
  expect(second.impossible).toBe(2);
  expect(second.report.connections).toBeGreaterThanOrEqual(300);
});

test('a host that serves Portage alone is asked as Portage, and that is told each time', async () => {
  const agents: string[] = [];
  const server = await startScripted(
    (socket, path) => {
      const isPortage = agents.at(-1) === PORTAGE_USER_AGENT;
      socket.write(isPortage ? rightly(path) : answer(403, { 'Content-Length': 0 }));
    },
    (socket) =>
      socket.prependListener('data', (chunk: Buffer) => {
        agents.push(/user-agent: (.*)\r\n/i.exec(chunk.toString('latin1'))?.[1] ?? '');
      }),
  );
  toClose.push(server);
  const acquaintance = new Acquaintance();
  const check = () => collect(httpHead, files(100), `http://127.0.0.1:${server.port}/`, { acquaintance });
  await check();
  const before = agents.length;
  const { report } = await check();
  expect(report).toMatchObject({ ended: 'whole', reason: 'refuses our User-Agent (403), but not that of Portage' });
  expect(new Set(agents.slice(before))).toEqual(new Set([PORTAGE_USER_AGENT]));
});
