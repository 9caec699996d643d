import { describe, expect, test } from 'vitest';
import { collect, tally } from '../testing/collect.ts';
import { testFiles, testInventory } from '../testing/inventory.ts';
import { answer, orNotFound, type Responder, scripted } from '../testing/servers.ts';
import { httpHead } from './http-head.ts';

const COUNT = 300;
const inventory = testFiles(COUNT, (i) => 1000 + i);
/** Every third is missing, every third has another size. */
const kindOf = (path: string) => Number(/\d+$/.exec(path)?.[0]) % 3;

function rightly(path: string, lengthBytes = 1000 + Number(/\d+$/.exec(path)?.[0]) + (kindOf(path) === 2 ? 5 : 0)) {
  const isMissing = kindOf(path) === 1;
  return orNotFound(path, answer(isMissing ? 404 : 200, { 'Content-Length': isMissing ? 0 : lengthBytes }));
}

/** HEAD is answered rightly, GET as it is told; answers what came of it. */
async function checkWhere(get: Responder, objects = inventory) {
  const server = await scripted((socket, path, nth, asked, method) => {
    if (method === 'HEAD') socket.write(rightly(path));
    else get(socket, path, nth, asked, method);
  });
  const { report, results } = await collect(httpHead, objects, server.url, { timeoutMs: 500 });
  const gets = server.methods.filter((method) => method === 'GET').length;
  await expect.poll(server.open).toBe(0);
  return { report, counts: countsOf(results), gets };
}

function countsOf(results: Readonly<Record<string, string>>): Record<string, number> {
  const words = Object.fromEntries(
    Object.entries(results).map(([path, text]) => [path, text.replace(/(present|different).*/, '$1').slice(0, 30)]),
  );
  return tally(words);
}

const DISAGREE = 'failed: HEAD and GET disagree: for "d'.slice(0, 30);
const NOT_FOUND = answer(404, { 'Content-Length': 0 });

describe('what HEAD shows counts where GET says the same', () => {
  test('four of each kind are asked for, and their bodies are not read', async () => {
    let sent = 0;
    const { report, counts, gets } = await checkWhere((socket, path) => {
      socket.write(rightly(path));
      // More than any buffer between here and there holds.
      const chunk = Buffer.alloc(1 << 20);
      const write = () => {
        while (!socket.destroyed && sent < 1 << 30 && socket.write(chunk)) sent += chunk.length;
      };
      socket.on('drain', write);
      if (kindOf(path) !== 1) write();
    });
    expect(report).toMatchObject({ ended: 'whole', reason: '' });
    expect(counts).toEqual({ present: 100, absent: 100, different: 100 });
    expect(gets).toBe(12);
    expect(report.bytes).toBeLessThan(2_000_000);
  });

  test('of few objects one of each that is there, and up to four of what is absent', async () => {
    const few = testInventory(inventory.paths.slice(0, 9).map((path, i) => ({ path, sizeBytes: 1000 + i })));
    const { gets } = await checkWhere((socket, path) => socket.write(rightly(path)), few);
    // Three of these nine are absent.
    expect(gets).toBe(5);
  });
});

describe('what GET contradicts is withdrawn', () => {
  test('present and not there: the access point is of no use; what is absent stays so', async () => {
    const { report, counts } = await checkWhere((socket) => socket.write(NOT_FOUND));
    expect(report.ended).toBe('unusable');
    expect(report.reason).toMatch(
      /^HEAD and GET disagree: for "distfiles\/f\d+" HEAD is answered 200 with 1,\d+ bytes, GET 404 \(not found\)$/,
    );
    expect(counts).toEqual({ [DISAGREE]: 200, absent: 100 });
  });

  test('absent and there: what is present stays so', async () => {
    const { report, counts } = await checkWhere((socket, path) =>
      socket.write(kindOf(path) === 1 ? answer(200, { 'Content-Length': 5 }) : rightly(path)),
    );
    expect(report).toMatchObject({
      ended: 'partial',
      reason: expect.stringMatching(/is answered 404 \(not found\), GET 200 with 5 bytes$/),
    });
    expect(counts).toEqual({ present: 100, different: 100, [DISAGREE]: 100 });
  });

  test('another length', async () => {
    const { report, counts } = await checkWhere((socket, path) => socket.write(rightly(path, 5)));
    expect(report.reason).toMatch(/is answered 200 with 1,\d+ bytes, GET 200 with 5 bytes$/);
    expect(counts).toEqual({ [DISAGREE]: 200, absent: 100 });
  });

  test('a refusal of GET alone', async () => {
    const { report } = await checkWhere((socket) => socket.write(answer(403, { 'Content-Length': 0 })));
    expect(report).toMatchObject({ ended: 'unusable', reason: expect.stringMatching(/GET 403 \(forbidden\)$/) });
  });
});

describe('what GET does not contradict stands', () => {
  const rows: [name: string, get: Responder][] = [
    ['no answer', () => {}],
    ['a cut', (socket) => socket.destroy()],
    ['503', (socket) => socket.write(answer(503, { 'Content-Length': 0 }))],
    ['no length', (socket, path) => socket.write(answer(kindOf(path) === 1 ? 404 : 200, { Connection: 'close' }))],
    [
      'another way to say that it is not there',
      (socket, path) => {
        socket.write(kindOf(path) === 1 ? answer(410, { 'Content-Length': 0 }) : rightly(path));
      },
    ],
  ];
  test.each(rows)('%s', async (_, get) => {
    const { report, counts, gets } = await checkWhere(get);
    expect(report).toMatchObject({ ended: 'whole', reason: '' });
    expect(counts).toEqual({ present: 100, absent: 100, different: 100 });
    expect(gets).toBeLessThanOrEqual(20);
  });

  test('a contradiction that is none any more when both are asked again', async () => {
    const asked = new Set<string>();
    const { report, counts } = await checkWhere((socket, path) => {
      socket.write(asked.has(path) ? rightly(path) : NOT_FOUND);
      asked.add(path);
    });
    expect(report.ended).toBe('whole');
    expect(counts).toEqual({ present: 100, absent: 100, different: 100 });
  });
});
