import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { keep } from '../../test/keep.ts';
import { answer, type ScriptedServer, scripted } from '../testing/servers.ts';
import { NO_ANSWER, TestOutput, type TestPoint, TIMEOUTS_MS, testNetwork, told } from './testing/mirror.ts';

test('bare sockets are told of in sentences, and none is left open', async () => {
  const servers: ScriptedServer[] = [];
  const urlOf = async (act: (socket: Socket) => void) => {
    const server = await scripted(act);
    servers.push(server);
    return server.url;
  };
  const trickle = await urlOf((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const timer = setInterval(() => socket.write('X-Slow: loris\r\n'), 50);
    socket.on('close', () => clearInterval(timer));
  });
  const interim = await urlOf((socket) => {
    const timer = setInterval(() => socket.write(answer(103)), 10);
    socket.on('close', () => clearInterval(timer));
  });
  const silent: [TestPoint, string | RegExp][] = [
    [{ name: 'trickles', url: trickle }, NO_ANSWER],
    [{ name: 'interim', url: interim }, NO_ANSWER],
  ];
  const answering: [TestPoint, string | RegExp][] = [
    [
      { name: 'closes', url: await urlOf((socket) => socket.end()) },
      'down: closes the connection without a whole answer',
    ],
    [
      { name: 'talks nonsense', url: await urlOf((socket) => socket.write('220 ftp ready\r\n')) },
      'down: its answer is not HTTP',
    ],
    [{ name: 'refused', url: 'http://127.0.0.1:1/' }, 'down: connection refused'],
    [{ name: 'no name', url: 'http://nowhere.example/' }, 'down: the name does not resolve'],
    [{ name: 'rebound', url: 'http://rebound.example:1/' }, 'down: its name resolves to 127.0.0.1, a loopback address'],
  ];
  const network = testNetwork({ 'rebound.example': ['127.0.0.1'] });
  for (const [kind, rows] of Object.entries({ answering, silent })) {
    const output = keep(new TestOutput(rows.map(([point]) => point)));
    const timeoutMs = TIMEOUTS_MS[kind as keyof typeof TIMEOUTS_MS];
    const { accessPoints } = await output.probe({ network, timeoutMs });
    for (const [i, [, expected]] of rows.entries()) expect(told(accessPoints[i]!)).toMatch(expected);
  }
  await expect.poll(() => servers.map((server) => server.open())).toEqual(servers.map(() => 0));
});
