import { hash } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import { UsageError } from '../core/errors.ts';
import type { Answer } from './answer.ts';
import type { Tables } from './decide.ts';
import { answerFrom } from './in-memory.ts';
import type { ViewerEvent } from './request.ts';

/** As Node's http gives them: names in lower case. */
export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A request as a server in front of a map in memory sees it. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: ViewerEvent['query'];
  readonly headers: HttpHeaders;
  /** The address at the other end of the connection. */
  readonly peer: string;
  readonly isTls: boolean;
}

/** ISO codes of the place an address is in; '' where they are not known. */
export type Locate = (ip: string) => { readonly country: string; readonly subdivision: string };

export interface HttpOptions {
  readonly fallback: string;
  readonly isTrusted: (address: string) => boolean;
  readonly locate: Locate | null;
}

/** So many addresses are remembered: few proxies send most requests. */
const MOST_REMEMBERED = 1_000;

/**
 * Addresses and networks (`10.0.0.0/8`, `2001:db8::/32`, `127.0.0.1`) whose `X-Forwarded-…` headers are believed, as a
 * test of an address. Throws UsageError where one is none.
 */
export function trustedProxies(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address);
    const most = family === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (family === 0 || prefix < 0 || prefix > most) {
      throw new UsageError(`trusted proxy ${JSON.stringify(network)}: not an address or network such as "10.0.0.0/8"`);
    }
    list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  }
  const remembered = new Map<string, boolean>();
  return (address) => {
    const known = remembered.get(address);
    if (known !== undefined) return known;
    const family = isIP(address);
    const isTrusted = family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    remembered.set(address, isTrusted);
    return isTrusted;
  };
}

/** The answer to a request that came over HTTP. Never throws. */
export function httpAnswer(tables: Tables, request: HttpRequest, options: HttpOptions, nowS: number): Answer {
  return answerFrom(tables, viewerOf(request, options), nowS, options.fallback, sha256);
}

/** In one call, which costs half of what a Hash does. */
export function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

function viewerOf(request: HttpRequest, { isTrusted, locate }: HttpOptions): ViewerEvent {
  const { method, path, query, headers } = request;
  const peer = plainAddress(request.peer);
  const isProxied = isTrusted(peer);
  const ip = isProxied ? clientBehind(isTrusted, headers, peer) : peer;
  // Whoever gives itself another country is sent elsewhere, and nobody else is: there is nothing to protect.
  const told = {
    country: text(headers, 'cloudfront-viewer-country'),
    subdivision: text(headers, 'cloudfront-viewer-country-region'),
  };
  const place = told.country === '' && locate !== null ? locate(ip) : told;
  const proto = isProxied ? text(headers, 'x-forwarded-proto') || text(headers, 'cloudfront-forwarded-proto') : '';
  return { method, uri: path, query, ip, ...place, forwardedProto: proto || (request.isTls ? 'https' : 'http') };
}

/** From the right, the first address that is no proxy of ours: what stands left of it may be made up. */
function clientBehind(isTrusted: HttpOptions['isTrusted'], headers: HttpHeaders, peer: string): string {
  const chain = text(headers, 'x-forwarded-for')
    .split(',')
    .map((address) => plainAddress(address.trim()));
  let client = peer;
  for (const address of chain.reverse()) {
    if (isIP(address) === 0) break;
    client = address;
    if (!isTrusted(address)) break;
  }
  return client;
}

/** An IPv4 address that a socket for both families shows as an IPv6 one. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

function text(headers: HttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : (value?.join(',') ?? '');
}
