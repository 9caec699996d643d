import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * What a front does with each connection: `hangs` says nothing; `garbage` says what is no protocol; `closes` at once;
 * `cuts` and `stalls` pass everything on until the server behind has sent so many bytes over all connections together,
 * and from then on close, or keep silent.
 */
export type Fault =
  | { readonly kind: 'hangs' | 'garbage' | 'closes' }
  | { readonly kind: 'cuts' | 'stalls'; readonly afterBytes: number };

export interface FaultyFront {
  readonly port: number;
  /** Connections that clients hold open. */
  open(): number;
  /** Connections that have met their fault. */
  met(): number;
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
    back.on('data', (chunk: Buffer) => {
      if (leftBytes > 0) client.write(chunk.subarray(0, leftBytes));
      leftBytes -= chunk.length;
      if (leftBytes <= 0) onFault();
    });
    back.on('end', () => leftBytes > 0 && client.end());
    client.on('data', (chunk) => back.write(chunk));
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
    close: async () => {
      for (const socket of [...clients, ...backs]) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
