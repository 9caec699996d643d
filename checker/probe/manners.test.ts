import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { outputLayout } from '../../core/output-layout.ts';
import { keep } from '../../test/keep.ts';
import { type Answer, NOW_MS, reply, startMirror, TestOutput, testNetwork, told } from './testing/mirror.ts';

const HOUR_MS = 3_600_000;

async function serve(answer: Answer) {
  const server = keep(await startMirror(answer));
  const output = keep(new TestOutput([{ name: 'm', url: server.url }]));
  const probe = async (atMs = NOW_MS) => {
    const before = server.requests.length;
    const { accessPoints } = await output.probe({ nowMs: () => atMs });
    return { told: told(accessPoints[0]!), asked: server.requests.length - before, record: accessPoints[0]! };
  };
  return { server, output, probe };
}

const until = (atMs: number) => `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

test('a host that finds us too fast is not asked again, and keeps its state', async () => {
  let isBusy = false;
  const { probe } = await serve((_, response) => isBusy && reply(response, 429, 0));
  const before = await probe();
  expect(before.told).toBe('up');
  isBusy = true;
  const busy = await probe(NOW_MS + 60_000);
  const warning = 'answers 429 (too many requests): not asked on, what was known stands';
  expect([busy.told, busy.asked]).toEqual([`up | ${warning}`, 1]);
  expect(busy.record).toMatchObject({ ...before.record, warnings: [warning], cost: { requests: 1 } });
  isBusy = false;
  expect((await probe(NOW_MS + 120_000)).told).toBe('up');
});

test('who was down stays down, and who was never told of is not told of', async () => {
  let status = 500;
  const { probe } = await serve((_, response) => reply(response, status, 0));
  expect((await probe()).record.liveness.state).toBe('down');
  status = 429;
  expect((await probe()).told).toMatch(/^down: .*500.* \| answers 429/);
  const fresh = keep(
    new TestOutput([
      { name: 'm', url: (await serve((_, response) => reply(response, 429, 0))).server.url, isUnchecked: true },
    ]),
  );
  const { accessPoints } = await fresh.probe();
  expect(accessPoints[0]?.liveness).toMatchObject({ state: 'failing', checkedAtS: 0, reason: /^answers 429/ });
});

test('a second try that comes too soon takes nobody away', async () => {
  let asked = 0;
  const { probe } = await serve((_, response) => (asked++ === 0 ? reply(response, 500, 0) : reply(response, 429, 0)));
  expect((await probe()).record.liveness).toMatchObject({ state: 'up', sinceS: 7 });
});

test.each([429, 503])('Retry-After of a %i holds for the probes after it too, a day at most', async (status) => {
  let retryAfter: string | null = null;
  const answers: Answer = (_, response) =>
    retryAfter !== null && reply(response, status, 0, { 'retry-after': retryAfter });
  const { probe, output, server } = await serve(answers);
  expect((await probe()).told).toBe('up');
  retryAfter = '120';
  const first = await probe();
  expect(first.told).toMatch(
    new RegExp(`^up \\| answers ${status} .*not to be asked before ${until(NOW_MS + 120_000)}`),
  );
  expect(first.asked).toBe(1);
  const { host } = new URL(server.url);
  const kept = () => JSON.parse(readFileSync(outputLayout.hosts(output.folder), 'utf8'));
  expect(kept()).toEqual({ version: 1, hosts: [{ host, status, notBeforeMs: NOW_MS + 120_000 }] });
  const second = await probe(NOW_MS + 119_000);
  expect([second.asked, second.told]).toEqual([0, first.told]);
  retryAfter = '999999999';
  expect((await probe(NOW_MS + 121_000)).asked).toBe(1);
  expect(kept().hosts[0].notBeforeMs).toBe(NOW_MS + 121_000 + 24 * HOUR_MS);
  retryAfter = null;
  expect((await probe(NOW_MS + 23 * HOUR_MS)).asked).toBe(0);
  const last = await probe(NOW_MS + 25 * HOUR_MS);
  expect([last.asked > 0, last.told]).toEqual([true, 'up']);
  expect(kept().hosts).toEqual([]);
});

test('a host that is unavailable is believed so after an hour, one that finds us too fast is not', async () => {
  for (const [status, state] of [
    [429, 'up'],
    [503, 'down'],
  ] as const) {
    let isAway = false;
    const { probe } = await serve((_, response) => isAway && reply(response, status, 0, { 'retry-after': '36000' }));
    await probe();
    isAway = true;
    expect((await probe(NOW_MS + 60_000)).record.liveness.state).toBe('up');
    expect((await probe(NOW_MS + 0.9 * HOUR_MS)).record.liveness.state).toBe('up');
    const later = await probe(NOW_MS + 1.1 * HOUR_MS);
    expect([later.record.liveness.state, later.asked]).toEqual([state, 0]);
    expect((await probe(NOW_MS + 1.2 * HOUR_MS)).record.liveness.state).toBe(state);
  }
});

test('503 without Retry-After is a failure as any other', async () => {
  const { probe } = await serve((_, response) => reply(response, 503, 0));
  expect((await probe()).told).toMatch(/^down: .*503/);
});

test('all access points of a host share its connections, whatever the protocol', async () => {
  /** Open connections. The server ends them all, and so knows before the other side when one is gone. */
  const sockets = new Set<Socket>();
  let most = 0;
  const end = (socket: Socket) => {
    sockets.delete(socket);
    socket.destroy();
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    most = Math.max(most, sockets.size);
    socket.on('error', () => {});
    // Time for one more to come, if it were allowed; the last one of all waits for a second in vain.
    setTimeout(() => end(socket), sockets.size === 1 ? 200 : 20);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  keep({ close: () => void server.close() });
  const { port } = server.address() as { port: number };
  const points = ['http', 'https', 'rsync', 'ftp'].flatMap((protocol) =>
    [1, 2].map((i) => ({
      name: `${protocol}${i}`,
      url: `${protocol}://busy.localhost:${port}/${i}/`,
      isUnchecked: true,
    })),
  );
  const output = keep(new TestOutput(points));
  const { accessPoints } = await output.probe({
    network: testNetwork({ 'busy.localhost': ['127.0.0.1'] }),
    hostLimits: { connections: 2, requestsPerSecond: 500, bytesPerSecond: 2_000_000 },
  });
  expect(accessPoints).toHaveLength(8);
  expect(most).toBe(2);
});
