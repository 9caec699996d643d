import { readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import sirv from 'sirv';
import { messageOf, UsageError } from '../core/errors.ts';
import type { BuiltFunction, FunctionEvent } from '../core/function-event.ts';
import { readFileOrNull } from '../core/node/atomic-file.ts';
import { outputLayout } from '../core/output-layout.ts';
import { loadBuiltFunction, parseKeys } from './built-function.ts';

export interface LocalEdgeOptions {
  readonly output: string;
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly sitePort: number;
}

export interface LocalEdge {
  readonly url: string;
  readonly siteUrl: string;
  close(): Promise<void>;
}

/**
 * The built function over the built keys behind an HTTP server, with the site on a second port. What the CDN knows of
 * a viewer can be given by hand: `?country=DE`, `?scheme=https`, `?ip=2001:db8::1`, or the CDN's own headers.
 * A new build is picked up by the next request. Throws UsageError where there is no build, or a port is taken.
 */
export async function startLocalEdge(options: LocalEdgeOptions): Promise<LocalEdge> {
  const edge = await listen(createServer(edgeHandler(options.output)), options.host, options.port);
  try {
    const folder = outputLayout.site(options.output);
    const files = sirv(folder, { dev: true, etag: true });
    const site = await listen(
      createServer((request, response) => files(request, response, () => notFound(folder, response))),
      options.host,
      options.sitePort,
    );
    return {
      url: urlOf(edge),
      siteUrl: urlOf(site),
      close: async () => {
        await Promise.all([shut(edge), shut(site)]);
      },
    };
  } catch (error) {
    await shut(edge);
    throw error;
  }
}

/** With the site's own page, as a web server would be told to. */
function notFound(folder: string, response: ServerResponse): void {
  const page = readFileOrNull(join(folder, '404.html'));
  const type = page === null ? 'text/plain' : 'text/html; charset=utf-8';
  response.writeHead(404, { 'content-type': type }).end(page ?? 'not found\n');
}

function listen(server: Server, host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new UsageError(`${host}:${port}: ${messageOf(error)}; choose another port`)),
    );
    server.listen(port, host, () => resolve(server));
  });
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/`;
}

function shut(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

/** Loads the build, and loads it again when its files change. */
function builtFunctionOf(output: string): () => BuiltFunction {
  const codeFile = outputLayout.edgeFunction(output);
  const keysFile = outputLayout.edgeKeys(output);
  let loaded: { mtimeMs: number; run: BuiltFunction } | null = null;
  return () => {
    const mtimeMs = statSync(keysFile).mtimeMs + statSync(codeFile).mtimeMs;
    if (loaded?.mtimeMs !== mtimeMs) {
      const keys = parseKeys(readFileSync(keysFile, 'utf8'), keysFile);
      loaded = { mtimeMs, run: loadBuiltFunction(readFileSync(codeFile, 'utf8'), keys, codeFile) };
    }
    return loaded.run;
  };
}

function edgeHandler(output: string): (request: IncomingMessage, response: ServerResponse) => void {
  const built = builtFunctionOf(output);
  try {
    built();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new UsageError(`${output}: nothing built yet; run "redirector run" first`);
  }
  return (request, response) => {
    Promise.resolve()
      .then(() => built()(eventOf(request)))
      .then((answer) => {
        const headers = Object.entries(answer.headers).map(([name, { value }]) => [name, value] as const);
        response.writeHead(answer.statusCode, Object.fromEntries(headers)).end(answer.body);
      })
      .catch((error) => {
        // At the CDN this would be its 503.
        response.writeHead(503, { 'content-type': 'text/plain' }).end(`${messageOf(error)}\n`);
      });
  };
}

/** The event CloudFront would make of this request. */
function eventOf(request: IncomingMessage): FunctionEvent {
  const target = request.url ?? '/';
  const cut = target.indexOf('?');
  const query = new URLSearchParams(cut < 0 ? '' : target.slice(cut + 1));
  const headers: Record<string, { value: string }> = {};
  for (const [name, value] of Object.entries(request.headers)) headers[name] = { value: String(value) };
  const given = (name: string, header: string, byDefault: string | null) => {
    const value = query.get(name) ?? headers[header]?.value ?? byDefault;
    if (value !== null) headers[header] = { value };
  };
  given('country', 'cloudfront-viewer-country', null);
  given('scheme', 'cloudfront-forwarded-proto', 'http');
  const pairs = [...query].map(([name, value]) => [name, { value }] as const);
  return {
    version: '1.0',
    context: { eventType: 'viewer-request' },
    viewer: { ip: query.get('ip') ?? request.socket.remoteAddress ?? '' },
    request: {
      method: request.method ?? 'GET',
      uri: cut < 0 ? target : target.slice(0, cut),
      querystring: Object.fromEntries(pairs),
      headers,
      cookies: {},
    },
  };
}
