import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { messageOf, UsageError } from '../core/errors.ts';
import { readGeo } from './geo-file.ts';
import { httpAnswer, trustedProxies } from './http-event.ts';
import { splitTarget } from './in-memory.ts';
import { listening } from './listening.ts';
import { readKeys, WatchedFile } from './watched-file.ts';

export interface EdgeServerOptions {
  /** The edge's keys, `output/edge/kvs.json`; a new build is taken over while requests run. */
  readonly keysFile: string;
  readonly fallback: string;
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Addresses and networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. */
  readonly trustedProxies: readonly string[];
  /** A GeoIP file that tells where viewers are by their address; null = only by headers. Taken over like the keys. */
  readonly geoFile: string | null;
  /** For lines that the operator should read. */
  readonly note: (line: string) => void;
}

export interface EdgeServer {
  readonly url: string;
  /** Reads its files again, now. */
  reload(): void;
  /** Ends when the requests under way are answered, or after ten seconds. */
  close(): Promise<void>;
}

const MOST_HEADER_BYTES = 16 * 1024;
const DRAIN_MS = 10_000;

/** A self-hosted edge: redirects from a map in memory. Throws UsageError where a file or the port cannot be had. */
export async function startEdgeServer(options: EdgeServerOptions): Promise<EdgeServer> {
  const { fallback, host, port, note } = options;
  const isTrusted = trustedProxies(options.trustedProxies);
  const keys = opened(() => new WatchedFile(options.keysFile, readKeys, note), '; run "redirector run" first');
  const { geoFile } = options;
  const geo =
    geoFile === null ? null : opened(() => new WatchedFile(geoFile, readGeo, note), '; give --geo a GeoIP file');
  const respond = (request: IncomingMessage, response: ServerResponse) => {
    const { path, query } = splitTarget(request.url ?? '/');
    const { method = 'GET', headers, socket } = request;
    const isTls = (socket as Socket & { encrypted?: boolean }).encrypted === true;
    const nowMs = Date.now();
    const viewer = { method, path, query, headers, peer: socket.remoteAddress ?? '', isTls };
    const http = { fallback, isTrusted, locate: geo?.current(nowMs) ?? null };
    const answer = httpAnswer(keys.current(nowMs), viewer, http, nowMs / 1000);
    // Names and values in turn: Node writes them as they are.
    const lines = ['content-length', String(Buffer.byteLength(answer.body))];
    for (const name in answer.headers) lines.push(name, answer.headers[name] as string);
    if (!server.listening) lines.push('connection', 'close');
    response.writeHead(answer.status, lines);
    response.end(answer.body);
  };
  const server = createServer({ maxHeaderSize: MOST_HEADER_BYTES }, respond);
  await listening(server, host, port);
  const { address, family, port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}/`,
    reload() {
      keys.reload();
      geo?.reload();
    },
    close: () => drained(server),
  };
}

function opened<T>(open: () => T, wayOut: string): T {
  try {
    return open();
  } catch (error) {
    throw new UsageError(`${messageOf(error)}${wayOut}`);
  }
}

function drained(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    server.close(() => {
      clearTimeout(late);
      resolve();
    });
    server.closeIdleConnections();
  });
}
