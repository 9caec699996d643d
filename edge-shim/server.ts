import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { messageOf, UsageError } from '../core/errors.ts';
import { httpAnswer, type Locate, trustedProxies } from './http-event.ts';
import { splitTarget } from './in-memory.ts';
import { KeyFile } from './key-file.ts';

export interface EdgeServerOptions {
  /** The edge's keys, `output/edge/kvs.json`; a new build is taken over while requests run. */
  readonly keysFile: string;
  readonly fallback: string;
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Addresses and networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. */
  readonly trustedProxies: readonly string[];
  /** Where viewers are by their address; null = only by headers. See `openGeoFile`. */
  readonly locate: Locate | null;
  /** For lines that the operator should read. */
  readonly note: (line: string) => void;
}

export interface EdgeServer {
  readonly url: string;
  /** Ends when the requests under way are answered. */
  close(): Promise<void>;
}

const MOST_HEADER_BYTES = 16 * 1024;

/** A self-hosted edge: redirects from a map in memory. Throws UsageError where the keys or the port cannot be had. */
export async function startEdgeServer(options: EdgeServerOptions): Promise<EdgeServer> {
  const { fallback, locate, host, port } = options;
  const http = { fallback, locate, proxies: trustedProxies(options.trustedProxies) };
  const keys = openKeys(options);
  const respond = (request: IncomingMessage, response: ServerResponse) => {
    const { path, query } = splitTarget(request.url ?? '/');
    const { method = 'GET', headers, socket } = request;
    const isTls = (socket as Socket & { encrypted?: boolean }).encrypted === true;
    const nowMs = Date.now();
    const viewer = { method, path, query, headers, peer: socket.remoteAddress ?? '', isTls };
    const answer = httpAnswer(keys.current(nowMs), viewer, http, nowMs / 1000);
    response.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(answer.body) });
    response.end(answer.body);
  };
  const server = createServer({ maxHeaderSize: MOST_HEADER_BYTES }, respond);
  await listening(server, host, port);
  const { address, family, port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

function openKeys({ keysFile, note }: EdgeServerOptions): KeyFile {
  try {
    return new KeyFile(keysFile, note);
  } catch (error) {
    throw new UsageError(`${messageOf(error)}; run "redirector run" first`);
  }
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new UsageError(`${host}:${port}: ${messageOf(error)}; choose another port`)),
    );
    server.listen(port, host, resolve);
  });
}
