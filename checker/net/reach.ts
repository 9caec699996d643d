import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { promisify } from 'node:util';
import type { Mirror } from '../../core/mirror.ts';
import { type AddressKind, allowedKinds, kindOf, plainHost } from './address.ts';

/** What is connected to goes by a public name or address, and is where nobody but this machine, or its network, can be. */
export class ForbiddenAddress extends Error {
  override name = 'ForbiddenAddress';

  constructor(address: string) {
    super(`its name resolves to ${address}, a ${kindOf(address)} address`);
  }
}

/** The URLs of the mirrors that serve networks of their own, whose names may lead into these. */
export function privateUrls(mirrors: readonly Mirror[]): string[] {
  const own = mirrors.filter(({ networks }) => networks !== undefined);
  return own.flatMap(({ accessPoints }) => accessPoints.map(({ url }) => url));
}

/** A look-up (`net.connect`) that leaves out the addresses that requests to a host may not reach; for names alone. */
export function guardedLookup(allowed: ReadonlySet<AddressKind>): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const addresses = error === null ? found.filter(({ address }) => allowed.has(kindOf(address))) : [];
      const [first] = addresses;
      if (first === undefined) callback(error ?? new ForbiddenAddress(found[0]?.address ?? ''), []);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

/** Why an open connection to a host is to be ended: it leads to where requests may not go. Null where it is not. */
export function forbidden(hostname: string, address: string | undefined, allowed: Allowed): ForbiddenAddress | null {
  if (allowed === null || isIP(plainHost(hostname)) !== 0 || address === undefined) return null;
  return allowed.has(kindOf(address)) ? null : new ForbiddenAddress(address);
}

/** Null = everywhere. */
export type Allowed = ReadonlySet<AddressKind> | null;

/**
 * For programs that look names up for themselves: a sentence where one of the addresses of a URL's host may not be
 * reached; '' where all may, or there is none.
 */
export async function forbiddenReason(url: string, allowed: Allowed): Promise<string> {
  const host = plainHost(new URL(url).hostname);
  if (allowed === null || isIP(host) !== 0) return '';
  const found = await promisify(lookup)(host, { all: true }).catch(() => []);
  const reasons = found.flatMap(({ address }) => forbidden(host, address, allowed)?.message ?? []);
  return reasons[0] ?? '';
}

/** Where requests to a URL's host may go. `isPrivate`: it is of a network of its own. */
export function allowedFor(url: string, isPrivate: boolean): Allowed {
  return isPrivate ? null : allowedKinds(new URL(url).hostname);
}
