import type { TLSSocket } from 'node:tls';
// The whole of it: a client without it has no `request`.
import { buildConnector, Client, type Dispatcher } from 'undici';
import { quoted } from '../../core/errors.ts';
import type { AccessPoint } from '../../core/mirror.ts';
import { type Address, type AddressKind, plainHost } from '../net/address.ts';
import type { HostBudgets } from '../net/host-budget.ts';
import type { Allowed } from '../net/reach.ts';
import { connectionReason } from '../net/reasons.ts';
import { certificateReason, validToMs } from './certificate.ts';
import { HostBusy, ProbeFailure, throwIfBusy } from './failure.ts';
import { addressesOf, type Reach } from './targets.ts';

/** So many are followed; the next is refused. */
export const MAX_REDIRECTS = 5;
const MAX_HEADER_BYTES = 16 * 1024;
export const MAX_ORIGIN_CHARACTERS = 80;

/** Where a mirror with a network of its own may redirect to. */
const WITHIN_NETWORKS: ReadonlySet<AddressKind> = new Set(['public', 'private']);

export interface ClientOptions extends Reach {
  readonly accessPoint: Pick<AccessPoint, 'url'>;
  readonly family: 4 | 6;
  /** Which of several addresses: each try takes the next. */
  readonly attempt: number;
  readonly userAgent: string;
  readonly nowMs: () => number;
  readonly hosts: Pick<HostBudgets, 'of'>;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

export interface Reply {
  readonly status: number;
  /** -1 where none, or nonsense, is told. */
  readonly lengthBytes: number;
  /** The body comes compressed, and the length is that of something else. */
  readonly isEncoded: boolean;
  /** At most as long as was asked for; `isWhole` = that is all of it. */
  readonly body: Buffer;
  readonly isWhole: boolean;
  /** Of the server that answered: `https://host:port`. */
  readonly origin: string;
  readonly redirects: number;
}

/** Requests over one address family, one after the other. To be closed. */
export class ProbeClient {
  userAgent: string;
  requests = 0;
  connections = 0;
  /** Sent and received, on connections that are closed. */
  bytes = 0;
  /** Of the first TLS connection, in milliseconds since 1970. */
  certificateValidToMs: number | null = null;
  readonly #options: ClientOptions;
  readonly #clients = new Map<string, Client>();

  constructor(options: ClientOptions) {
    this.#options = options;
    this.userAgent = options.userAgent;
  }

  /**
   * Follows redirects to the final answer. Reads `maxBodyBytes` of a body and no more. Throws ProbeFailure with a
   * sentence where there is no final answer, HostBusy where a host on the way wants to be left alone.
   */
  async request(method: 'GET' | 'HEAD', url: string, maxBodyBytes = 0): Promise<Reply> {
    let at = new URL(url);
    const seen = new Set<string>();
    for (let redirects = 0; ; redirects++) {
      seen.add(at.href);
      const { location, ...reply } = await this.#ask(method, at, maxBodyBytes, redirects);
      if (location === null) return { ...reply, origin: at.origin, redirects };
      const next = redirectTarget(at, location);
      if (seen.has(next.href)) throw new ProbeFailure('redirects in a circle');
      if (redirects === MAX_REDIRECTS) throw new ProbeFailure(`redirects more than ${MAX_REDIRECTS} times`);
      at = next;
    }
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#clients.values(), (client) => client.destroy()));
  }

  async #ask(method: 'GET' | 'HEAD', url: URL, maxBodyBytes: number, redirects: number) {
    try {
      await this.#admitted(url);
      const client = await this.#clientFor(url);
      this.requests++;
      const answer = await client.request({
        path: url.pathname + url.search,
        method,
        headers: { 'user-agent': this.userAgent, accept: '*/*', 'accept-encoding': 'identity' },
        // Without it undici closes the connection after every HEAD.
        reset: false,
        signal: this.#options.signal,
      });
      this.#throwIfRefused(url, answer);
      const location = answer.statusCode >= 300 && answer.statusCode < 400 ? headerOf(answer, 'location') : null;
      const { body, isWhole } = await readBody(answer.body, location === null ? maxBodyBytes : 0);
      const isEncoded = !/^(identity)?$/i.test((headerOf(answer, 'content-encoding') ?? '').trim());
      return { status: answer.statusCode, lengthBytes: lengthOf(answer), isEncoded, location, body, isWhole };
    } catch (error) {
      if (error instanceof HostBusy || this.#options.signal.aborted) throw error;
      const reason = error instanceof ProbeFailure ? error.message : connectionReason(error, this.#options.timeoutMs);
      throw new ProbeFailure(
        redirects === 0 ? reason : `redirects to ${quoted(url.origin, MAX_ORIGIN_CHARACTERS)}: ${reason}`,
      );
    }
  }

  /** Waits until the host may be asked. */
  async #admitted(url: URL): Promise<void> {
    const { hosts, signal, nowMs } = this.#options;
    const budget = hosts.of(url.href);
    throwIfBusy(budget, nowMs());
    await budget.admission(signal);
    throwIfBusy(budget, nowMs());
    signal.throwIfAborted();
  }

  /** 429 is about us (RFC 6585, 4), and 503 with Retry-After a while: neither says what viewers get. */
  #throwIfRefused(url: URL, answer: Dispatcher.ResponseData): void {
    const { statusCode: status, body } = answer;
    const retryAfter = headerOf(answer, 'retry-after') ?? '';
    if (status !== 429 && (status !== 503 || retryAfter === '')) return;
    body.on('error', () => {}).destroy();
    const budget = this.#options.hosts.of(url.href);
    budget.refused(status, retryAfter, this.#options.timeoutMs);
    budget.leaveAlone();
    throwIfBusy(budget, this.#options.nowMs());
  }

  async #clientFor(url: URL): Promise<Client> {
    const known = this.#clients.get(url.origin);
    if (known !== undefined) return known;
    const { family, attempt } = this.#options;
    const addresses = await addressesOf(url.hostname, family, { ...this.#options, allowed: this.#allowedAt(url) });
    const address = addresses[attempt % addresses.length];
    if (address === undefined) throw new ProbeFailure(`${plainHost(url.hostname)} has no IPv${family} address`);
    const client = this.#connectingTo(url, address);
    this.#clients.set(url.origin, client);
    return client;
  }

  #allowedAt({ hostname }: URL): Allowed {
    const { accessPoint, allowed } = this.#options;
    return hostname === new URL(accessPoint.url).hostname ? allowed : (allowed ?? WITHIN_NETWORKS);
  }

  #connectingTo(url: URL, { address, family }: Address): Client {
    const { timeoutMs, network, nowMs } = this.#options;
    const connect = buildConnector({
      timeout: timeoutMs,
      // A resumed session would not show its certificate again.
      maxCachedSessions: 0,
      // The certificate is verified as ever, and refused below: only so does an expired one tell its dates.
      rejectUnauthorized: false,
      lookup: (_host, options, callback) => {
        if (options.all === true) callback(null, [{ address, family }]);
        else callback(null, address, family);
      },
      ...(network.ca === undefined ? {} : { ca: network.ca }),
    });
    return new Client(url.origin, {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connect: (options, callback) => {
        connect(options, (error, socket) => {
          if (error !== null) {
            callback(error, null);
            return;
          }
          this.connections++;
          const budget = this.#options.hosts.of(url.href);
          socket.once('close', () => {
            const bytes = socket.bytesRead + socket.bytesWritten;
            this.bytes += bytes;
            budget.transferred(bytes);
          });
          const reason = options.protocol === 'https:' ? this.#distrust(socket as TLSSocket, nowMs()) : '';
          if (reason === '') callback(null, socket);
          else {
            socket.destroy();
            callback(new ProbeFailure(reason), null);
          }
        });
      },
    });
  }

  #distrust(socket: TLSSocket, nowMs: number): string {
    this.certificateValidToMs ??= validToMs(socket.getPeerCertificate());
    return certificateReason(socket, nowMs);
  }
}

function redirectTarget(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) throw new ProbeFailure(`redirects to no URL: ${quoted(location, 80)}`);
  const to = new URL(location, from);
  to.hash = '';
  if (to.protocol !== 'http:' && to.protocol !== 'https:') {
    throw new ProbeFailure(`redirects to another protocol: ${quoted(to.protocol, 20)}`);
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') throw new ProbeFailure('redirects from https to http');
  return to;
}

/** Null where there is none; of several the first. */
function headerOf({ headers }: Dispatcher.ResponseData, name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

function lengthOf(answer: Dispatcher.ResponseData): number {
  const digits = headerOf(answer, 'content-length') ?? '';
  return /^\d{1,15}$/.test(digits) ? Number(digits) : -1;
}

async function readBody(stream: Dispatcher.ResponseData['body'], maxBytes: number) {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop early closes the connection: the rest is never asked for.
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) break;
  }
  return { body: Buffer.concat(chunks).subarray(0, maxBytes), isWhole: bytes <= maxBytes };
}
