import { afterEach, describe, expect, test } from 'vitest';
import { collect, tally } from '../testing/collect.ts';
import { testInventory } from '../testing/inventory.ts';
import { answer, orNotFound, type Responder, type ScriptedServer, startScripted } from '../testing/servers.ts';
import { httpHead } from './http-head.ts';

const toClose: ScriptedServer[] = [];
afterEach(async () => {
  for (const each of toClose.splice(0)) await each.close();
});

const COUNT = 400;
const inventory = testInventory([
  { path: '' },
  { path: 'distfiles' },
  ...Array.from({ length: COUNT }, (_, i) => ({ path: `distfiles/f${i}`, sizeBytes: 7 })),
]);
const THERE = answer(200, { 'Content-Length': 7 });
const NOT_THERE = answer(404, { 'Content-Length': 0 });
const CHECKPOINT_MS = 10;

/** A server whose every answer takes a moment, and is what `respond` says. */
async function checkOf(
  respond: (method: string, path: string, asked: number) => string | null,
  options: Parameters<typeof collect>[3] = {},
) {
  const slowly: Responder = (socket, path, _nth, asked, method) => {
    const text = respond(method, path, asked);
    if (text !== null) setTimeout(() => socket.write(text), 2);
  };
  const server = await startScripted(slowly);
  toClose.push(server);
  const collected = await collect(httpHead, inventory, `http://127.0.0.1:${server.port}/`, {
    ...{ timeoutMs: 500, checkpointMs: CHECKPOINT_MS },
    ...options,
  });
  await expect.poll(server.open).toBe(0);
  const asked = (method: string, pattern: RegExp) =>
    server.paths.filter((path, i) => server.methods[i] === method && pattern.test(path)).length;
  return { ...collected, asked };
}

/** Interrupts a check when so many requests were made, and gives it so long to confirm. */
function interruptedAfter(requests: number, graceMs = 2000) {
  const [abort, grace] = [new AbortController(), new AbortController()];
  const count = (asked: number) => {
    if (asked !== requests) return;
    abort.abort();
    setTimeout(() => grace.abort(), graceMs);
  };
  return { count, options: { signal: abort.signal, graceSignal: grace.signal } };
}

const fine = (path: string) => orNotFound(path, THERE);

describe('from checkpoint to checkpoint', () => {
  test('what is found is confirmed, each object told of once, and GET asked no oftener', async () => {
    const { report, results, repeated, asked } = await checkOf((_, path) => fine(path));
    expect(report).toMatchObject({ ended: 'whole', reason: '' });
    expect(tally(results)).toEqual({ present: 2, 'present 7': COUNT });
    expect(repeated).toEqual([]);
    const greetingAndTrial = 2 * 8;
    const checkpoints = (asked('HEAD', /no-such/) - greetingAndTrial) / 2;
    expect(checkpoints).toBeGreaterThan(1);
    expect(asked('GET', /./)).toBe(4);
    // Of what was answered together eight are asked again.
    expect(report.requests).toBeLessThanOrEqual(COUNT + 2 + greetingAndTrial + 2 * 8 + 3 + 4 + checkpoints * (2 + 8));
  });

  test('a server that begins to answer 200 to everything has lost all by the next one', async () => {
    const { report, results, confirmed } = await checkOf((_, path, asked) => (asked < 150 ? fine(path) : THERE));
    expect(report).toMatchObject({
      ended: 'unusable',
      isRefuted: true,
      reason: "answers 200 to names that don't exist",
    });
    expect(tally(results)).toEqual({ "failed: answers 200 to names that don't exist": COUNT + 2 });
    expect(Object.values(confirmed).every((text) => text.startsWith('present'))).toBe(true);
  });

  test('a directory is not believed before a file of its kind', async () => {
    const { report, results, confirmed } = await checkOf((method, path) =>
      method === 'HEAD' ? fine(path) : NOT_THERE,
    );
    expect(report).toMatchObject({ ended: 'unusable', isRefuted: true });
    expect(Object.values(confirmed)).not.toContain('present');
    expect(Object.values(results).every((text) => text.startsWith('failed: HEAD and GET disagree'))).toBe(true);
    expect(Object.keys(results)).toHaveLength(COUNT + 2);
  });
});

describe('when it is interrupted', () => {
  test('what was found is still confirmed', async () => {
    const { count, options } = interruptedAfter(200);
    const { report, results, confirmed } = await checkOf(
      (_, path, asked) => {
        count(asked);
        return fine(path);
      },
      { ...options, checkpointMs: 60_000 },
    );
    expect(report.ended).toBe('interrupted');
    expect(Object.keys(confirmed).length).toBeGreaterThan(20);
    expect(confirmed).toEqual(results);
  });

  const liars: [name: string, respond: (method: string, path: string, isInterrupted: boolean) => string | null][] = [
    ['denies GET what it tells HEAD', (method, path) => (method === 'HEAD' ? fine(path) : NOT_THERE)],
    ['says yes to everything since', (_, path, isInterrupted) => (isInterrupted ? THERE : fine(path))],
    ['says nothing any more', (_, path, isInterrupted) => (isInterrupted ? null : fine(path))],
    ['does not answer GET in time', (method, path) => (method === 'HEAD' ? fine(path) : null)],
  ];
  test.each(liars)('nothing counts of a server that %s', async (_, respond) => {
    const { count, options } = interruptedAfter(200, 300);
    const { confirmed } = await checkOf(
      (method, path, asked) => {
        count(asked);
        return respond(method, path, asked >= 200);
      },
      { ...options, checkpointMs: 60_000, timeoutMs: 5000 },
    );
    expect(Object.values(confirmed).filter((text) => !text.startsWith('failed: '))).toEqual([]);
  });
});
