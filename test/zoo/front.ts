import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Started } from './behaviour.ts';

/** What becomes of what the server behind sends: it is told of each chunk, how much came before it, and the client. */
export type Meddle = (client: Socket, chunk: Buffer, before: number) => void;

/** Puts a server on a port of its own in front of a real one, which passes on what is asked and meddles with the answers. */
export async function inFrontOf(
  started: Promise<Started>,
  meddle: Meddle,
  host: '127.0.0.1' | '::1' = '127.0.0.1',
): Promise<Started> {
  const back = await started;
  const backPort = Number(new URL(back.url).port);
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const behind = connect(backPort, '127.0.0.1');
    for (const socket of [client, behind]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    }
    clients.add(client);
    client.on('close', () => {
      clients.delete(client);
      behind.destroy();
    });
    let before = 0;
    client.on('data', (chunk: Buffer) => behind.write(chunk));
    behind.on('data', (chunk: Buffer) => {
      if (!client.destroyed && !client.writableEnded) meddle(client, chunk, before);
      before += chunk.length;
    });
    behind.on('end', () => client.end());
  }).listen(0, host);
  await once(server, 'listening');
  const url = new URL(back.url);
  url.hostname = host === '::1' ? '[::1]' : host;
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    open: () => clients.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
      await back.close();
    },
  };
}
