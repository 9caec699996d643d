import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface SlowFront {
  readonly port: number;
  /** Connections that clients hold open. */
  open(): number;
  close(): Promise<void>;
}

export interface SlowFrontOptions {
  /** Of what the server behind sends on a connection, so much is passed on at once. */
  readonly freeBytes: number;
  /** After that, so much at a time. */
  readonly pieceBytes: number;
  readonly everyMs: number;
}

/** Starts a server on a free port of 127.0.0.1 in front of a real one on `backPort`, whose answers it lets trickle. */
export async function startSlowFront(backPort: number, options: SlowFrontOptions): Promise<SlowFront> {
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    const back = connect(backPort, '127.0.0.1').on('error', () => client.destroy());
    client.on('error', () => {}).pipe(back);
    const timer = trickle(back, client, options);
    client.on('close', () => {
      clearInterval(timer);
      clients.delete(client);
      back.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    open: () => clients.size,
    close: async () => {
      for (const client of clients) client.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function trickle(from: Socket, to: Socket, { freeBytes, pieceBytes, everyMs }: SlowFrontOptions): NodeJS.Timeout {
  let waiting = Buffer.alloc(0);
  let leftBytes = freeBytes;
  let hasEnded = false;
  const pass = (count: number) => {
    to.write(waiting.subarray(0, count));
    waiting = waiting.subarray(count);
    if (hasEnded && waiting.length === 0) to.end();
  };
  from.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    const free = Math.min(leftBytes, waiting.length);
    leftBytes -= free;
    pass(free);
  });
  from.on('end', () => {
    hasEnded = true;
    pass(0);
  });
  return setInterval(() => pass(pieceBytes), everyMs);
}
