import { join } from 'node:path';
import { type HttpHeaders, httpAnswer, trustedProxies } from '../http-event.ts';
import { readKeys, WatchedFile } from '../watched-file.ts';

/**
 * The OpenFaaS function (templates node20 and node22), with the map beside it: a file that is replaced there is taken
 * over. `TRUSTED_PROXIES` holds addresses and networks, with commas between, whose `X-Forwarded-…` headers are
 * believed; of-watchdog itself, on the loopback, always is.
 */

declare const FALLBACK: string;
/** The bundle is CommonJS. */
declare const __dirname: string;

interface FunctionEvent {
  readonly method: string;
  /** As it was sent. */
  readonly path: string;
  /** As Express parses it. */
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: HttpHeaders;
}

interface FunctionContext {
  status(code: number): FunctionContext;
  headers(values: Readonly<Record<string, string>>): FunctionContext;
  succeed(body: string): unknown;
}

const WATCHDOG = '127.0.0.1';
const configured = (process.env['TRUSTED_PROXIES'] ?? '').split(',').filter((network) => network !== '');
const options = { fallback: FALLBACK, isTrusted: trustedProxies([WATCHDOG, ...configured]), locate: null };
const keys = new WatchedFile(join(__dirname, 'kvs.json'), readKeys, console.error);

export default async function handle(event: FunctionEvent, context: FunctionContext): Promise<unknown> {
  const { method, path, headers } = event;
  const query = Object.fromEntries(
    ['mirrorlist', 'meta4', 'country'].map((name) => {
      const value = event.query[name];
      return [name, value === undefined ? undefined : typeof value === 'string' ? value : ''];
    }),
  );
  const nowMs = Date.now();
  const request = { method, path, query, headers, peer: WATCHDOG, isTls: false };
  const answer = httpAnswer(keys.current(nowMs), request, options, nowMs / 1000);
  return context.status(answer.status).headers(answer.headers).succeed(answer.body);
}
