import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * What a front does with each connection: `hangs` says nothing; `garbage` says what is no protocol; `closes` at once;
 * `cuts` and `stalls` pass everything on until the server behind has sent so many bytes over all connections together,
 * and from then on close, or keep silent; with `of: 'client'` the bytes of the clients are counted.
 */
export type Fault =
  | { readonly kind: 'hangs' | 'garbage' | 'closes' }
  | { readonly kind: 'cuts' | 'stalls'; readonly afterBytes: number; readonly of?: 'client' };

export interface FaultyFront {
  readonly port: number;
  /** Connections that clients hold open. */
  open(): number;
  /** Connections that have met their fault. */
  met(): number;
  /** From now on all is passed on, and no connection is held against it. */
  heal(): void;
  /** Closes the connections that are open. */
  cut(): void;
  close(): Promise<void>;
}

const GARBAGE = Buffer.from('\0\x1b[31mnonsense\r\n\r\n\xff\xfe'.repeat(20), 'latin1');

/** Starts a server on a free port of 127.0.0.1 in front of a real one on `backPort`. */
export async function startFaultyFront(backPort: number, fault: Fault): Promise<FaultyFront> {
  const clients = new Set<Socket>();
  const backs = new Set<Socket>();
  let met = 0;
  let leftBytes = 'afterBytes' in fault ? fault.afterBytes : 0;
  const passOn = (client: Socket, back: Socket, onFault: () => void) => {
    back.on('error', () => client.destroy());
    const isOfClient = 'of' in fault;
    const passCounted = (to: Socket, chunk: Buffer) => {
      if (leftBytes > 0) to.write(chunk.subarray(0, leftBytes));
      leftBytes -= chunk.length;
      if (leftBytes <= 0) onFault();
    };
    back.on('data', (chunk: Buffer) => (isOfClient ? client.write(chunk) : passCounted(client, chunk)));
    back.on('end', () => leftBytes > 0 && client.end());
    client.on('data', (chunk: Buffer) => (isOfClient ? passCounted(back, chunk) : back.write(chunk)));
    client.on('close', () => back.destroy());
  };
  const server = createServer((client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client)).on('error', () => {});
    if (fault.kind === 'cuts' || fault.kind === 'stalls') {
      const back = connect(backPort, '127.0.0.1');
      backs.add(back);
      passOn(client, back, () => {
        met++;
        if (fault.kind === 'cuts') client.end();
      });
      return;
    }
    met++;
    client.resume();
    if (fault.kind === 'garbage') client.write(GARBAGE);
    if (fault.kind === 'closes') client.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    open: () => clients.size,
    met: () => met,
    heal: () => {
      leftBytes = Number.POSITIVE_INFINITY;
    },
    cut: () => {
      for (const client of clients) client.destroy();
    },
    close: async () => {
      for (const socket of [...clients, ...backs]) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
