import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { keep } from '../../test/keep.ts';
import { reply, startMirror, TestOutput, testNetwork, told } from './testing/mirror.ts';

const NAMES = { 'inner.example': ['127.0.0.1'], 'rebound.example': ['127.0.0.1'] };
const NETWORKS = ['192.168.0.0/16'];

async function greeter(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end('220 Hello\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  keep({ close: () => void server.close() });
  return (server.address() as { port: number }).port;
}

test.each(['http', 'ftp'])(
  'over %s a name may lead to a private address where the mirror has networks of its own',
  async (protocol) => {
    const port = protocol === 'ftp' ? await greeter() : keep(await startMirror()).port;
    const url = `${protocol}://inner.example:${port}/`;
    const probe = async (networks: readonly string[] | null) => {
      const output = keep(new TestOutput([{ name: 'm', url, ...(networks === null ? {} : { networks }) }]));
      const { accessPoints } = await output.probe({ network: testNetwork(NAMES) });
      return told(accessPoints[0]!);
    };
    expect(await probe(null)).toBe('down: its name resolves to 127.0.0.1, a loopback address');
    expect(await probe(NETWORKS)).toBe('up');
  },
);

test.each([
  ['http://169.254.169.254/', '"http://169.254.169.254": leads to 169.254.169.254, a reserved address'],
  ['http://rebound.example/', '"http://rebound.example": its name resolves to 127.0.0.1, a loopback address'],
])('a mirror with networks of its own may not lead to %s', async (location, reason) => {
  const server = keep(await startMirror((_, response) => reply(response, 302, 0, { location })));
  const url = `http://inner.example:${server.port}/`;
  const output = keep(new TestOutput([{ name: 'm', url, networks: NETWORKS }]));
  const { accessPoints } = await output.probe({ network: testNetwork(NAMES) });
  expect(told(accessPoints[0]!)).toBe(`down: redirects to ${reason}`);
});
