import { createServer, type Server, type Socket } from 'node:net';
import { HttpConnection } from './http-connection.ts';
import type { Responder } from './reply.ts';

export interface MirrorServerOptions {
  /** Null: accepts connections and never answers. */
  readonly responder: Responder | null;
  /** A connection is cut after so many answers. */
  readonly maxRequestsPerConnection?: number;
  /** Time from a request to its answer; pipelined ones wait together. */
  readonly delayMs?: number;
}

export interface MirrorServer {
  readonly port: number;
  /** Resolves when the port and every socket are closed. */
  close(): Promise<void>;
}

/** Starts an HTTP/1.1 server on 127.0.0.1 at a free port. */
export async function startMirrorServer(options: MirrorServerOptions): Promise<MirrorServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // What a client breaks is its own loss; the close that follows is all there is to do.
    socket.on('error', () => {});
    if (options.responder === null) ignore(socket);
    else serve(socket, options.responder, options);
  });
  await listening(server);
  return {
    port: (server.address() as { port: number }).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, resolve);
  });
}

function ignore(socket: Socket): void {
  socket.on('end', () => socket.end());
  socket.resume();
}

function serve(socket: Socket, responder: Responder, options: MirrorServerOptions): void {
  const connection = new HttpConnection(
    socket,
    responder,
    options.maxRequestsPerConnection ?? Number.POSITIVE_INFINITY,
  );
  const delayMs = options.delayMs ?? 0;
  // Timers of one length fire in the order they were set (Node's manual), so answers keep theirs.
  const soon = (act: () => void) => (delayMs === 0 ? act() : setTimeout(act, delayMs));
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => soon(() => connection.push(chunk)));
  socket.on('end', () => soon(() => connection.end()));
}
