import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Started } from './behaviour.ts';
import { mirrorAnswer, onWire, type WebAnswer } from './web-answers.ts';
import type { ZooTree } from './zoo-tree.ts';

export interface ZooRequest {
  readonly method: string;
  /** As it was sent. */
  readonly target: string;
  /** Request line and headers. */
  readonly head: string;
  /** From 1 on its connection. */
  readonly nth: number;
  /** From 1 over all connections. */
  readonly asked: number;
  /** What a good mirror with the copy answers, and how that goes over the wire. */
  readonly answer: WebAnswer;
  readonly wire: string;
  readonly zoo: ZooTree;
  readonly port: number;
}

/** Does with one request what it likes; whatever it writes goes out as it is. */
export type Act = (socket: Socket, request: ZooRequest) => void;

export interface ScriptOptions {
  /** Index pages as nginx writes them; else a page of welcome stands for every directory. */
  readonly indexes?: boolean;
  /** Before any request. */
  readonly onConnect?: (socket: Socket) => void;
  /** Default: plain TCP. */
  readonly listener?: (onSocket: (socket: Socket) => void) => Server;
}

/** A web server on bare sockets. What clients break is their own loss. */
export function scripted(act: Act, options: ScriptOptions = {}): (zoo: ZooTree) => Promise<Started> {
  const { indexes = false, onConnect, listener = (onSocket) => createServer({ noDelay: true }, onSocket) } = options;
  return async (zoo) => {
    const sockets = new Set<Socket>();
    let asked = 0;
    const server = listener((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => {});
      onConnect?.(socket);
      let nth = 0;
      onHeads(socket, (head) => {
        const [method, target] = head.split(' ') as [string, string];
        const answer = mirrorAnswer(zoo, target, indexes);
        const wire = onWire(answer, method);
        act(socket, { method, target, head, nth: ++nth, asked: ++asked, answer, wire, zoo, port: portOf(server) });
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      url: `http://127.0.0.1:${portOf(server)}/`,
      open: () => sockets.size,
      close: async () => {
        for (const socket of sockets) socket.destroy();
        server.close();
        await once(server, 'close');
      },
    };
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function onHeads(socket: Socket, onHead: (head: string) => void): void {
  let rest = '';
  socket.on('data', (chunk) => {
    const heads = (rest + chunk.toString('latin1')).split('\r\n\r\n');
    rest = heads.pop() as string;
    for (const head of heads) {
      if (socket.destroyed || socket.writableEnded) return;
      onHead(head);
    }
  });
}

/** Writes bytes given as `latin1`. */
export function say(socket: Socket, text: string): void {
  socket.write(text, 'latin1');
}

/** Writes a chunk over and over, as fast as the client takes it, until it goes away. */
export function sayForEver(socket: Socket, chunk: Buffer): void {
  const write = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', write);
  write();
}

/** Writes a text in pieces, one after each interval. */
export function saySlowly(socket: Socket, text: string, pieceBytes: number, everyMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    if (at >= text.length || socket.destroyed) clearInterval(timer);
    else say(socket, text.slice(at, at + pieceBytes));
    at += pieceBytes;
  }, everyMs);
  socket.on('close', () => clearInterval(timer));
}
