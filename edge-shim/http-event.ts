import { BlockList, isIP } from 'node:net';
import { UsageError } from '../core/errors.ts';
import type { Answer } from './answer.ts';
import { answerFrom, type Lookup } from './in-memory.ts';
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
  readonly proxies: BlockList;
  readonly locate: Locate | null;
}

/**
 * Addresses and networks (`10.0.0.0/8`, `2001:db8::/32`, `127.0.0.1`) whose `X-Forwarded-…` headers are believed.
 * Throws UsageError where one is none.
 */
export function trustedProxies(networks: readonly string[]): BlockList {
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
  return list;
}

/** The answer to a request that came over HTTP. Never throws. */
export function httpAnswer(lookup: Lookup, request: HttpRequest, options: HttpOptions, nowS: number): Answer {
  return answerFrom(lookup, viewerOf(request, options), nowS, options.fallback);
}

function viewerOf(request: HttpRequest, { proxies, locate }: HttpOptions): ViewerEvent {
  const { method, path, query, headers } = request;
  const peer = plainAddress(request.peer);
  const isTrusted = isIn(proxies, peer);
  const ip = isTrusted ? clientBehind(proxies, headers, peer) : peer;
  // Whoever gives itself another country is sent elsewhere, and nobody else is: there is nothing to protect.
  const told = {
    country: text(headers, 'cloudfront-viewer-country'),
    subdivision: text(headers, 'cloudfront-viewer-country-region'),
  };
  const place = told.country === '' && locate !== null ? locate(ip) : told;
  const proto = isTrusted ? text(headers, 'x-forwarded-proto') || text(headers, 'cloudfront-forwarded-proto') : '';
  return { method, uri: path, query, ip, ...place, forwardedProto: proto || (request.isTls ? 'https' : 'http') };
}

/** From the right, the first address that is no proxy of ours: what stands left of it may be made up. */
function clientBehind(proxies: BlockList, headers: HttpHeaders, peer: string): string {
  const chain = text(headers, 'x-forwarded-for')
    .split(',')
    .map((address) => plainAddress(address.trim()));
  let client = peer;
  for (const address of chain.reverse()) {
    if (isIP(address) === 0) break;
    client = address;
    if (!isIn(proxies, address)) break;
  }
  return client;
}

function isIn(list: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** An IPv4 address that a socket for both families shows as an IPv6 one. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

function text(headers: HttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : (value?.join(',') ?? '');
}
