import type { Protocol } from '../../core/mirror.ts';
import type { Method } from './contract.ts';
import { ftp } from './ftp.ts';
import { httpHead } from './http-head.ts';
import { httpListing } from './http-listing.ts';
import { rsync } from './rsync.ts';

/**
 * All methods. The first that serves a protocol checks its access points; a later one that lists spares the first most
 * of its requests.
 */
export const METHOD_LIST: readonly Method[] = [httpHead, rsync, ftp, httpListing];

/** The method for a protocol; undefined where there is none yet. */
export function methodFor(protocol: Protocol): Method | undefined {
  return METHOD_LIST.find((method) => method.protocols.includes(protocol));
}

/** What can list an access point over a protocol; undefined where there is nothing. */
export function listingMethodFor(protocol: Protocol): Method | undefined {
  return METHOD_LIST.find((method) => method.scope === 'listing' && method.protocols.includes(protocol));
}
