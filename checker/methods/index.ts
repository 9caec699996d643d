import type { Protocol } from '../../core/mirror.ts';
import type { Method } from './contract.ts';

/** A method whose code, and the libraries it needs, are read when it is first used: most checks use one or two. */
function lazy(about: Omit<Method, 'check'>, load: () => Promise<Method>): Method {
  return { ...about, check: async (task) => (await load()).check(task) };
}

/**
 * All methods. The first that serves a protocol checks its access points; a later one that lists spares the first most
 * of its requests.
 */
export const METHOD_LIST: readonly Method[] = [
  lazy(
    { name: 'http-head', scope: 'object', protocols: ['https', 'http'] },
    async () => (await import('./http-head.ts')).httpHead,
  ),
  lazy({ name: 'rsync', scope: 'tree', protocols: ['rsync'] }, async () => (await import('./rsync.ts')).rsync),
  lazy({ name: 'ftp', scope: 'directory', protocols: ['ftp'] }, async () => (await import('./ftp.ts')).ftp),
  lazy({ name: 'sftp', scope: 'directory', protocols: ['sftp'] }, async () => (await import('./sftp.ts')).sftp),
  lazy(
    { name: 'http-listing', scope: 'directory', protocols: ['https', 'http'] },
    async () => (await import('./http-listing.ts')).httpListing,
  ),
];

/** The method for a protocol; undefined where there is none yet. */
export function methodFor(protocol: Protocol): Method | undefined {
  return METHOD_LIST.find((method) => method.protocols.includes(protocol));
}

/** What can list an access point over a protocol; undefined where there is nothing. */
export function listingMethodFor(protocol: Protocol): Method | undefined {
  return METHOD_LIST.find((method) => method.scope !== 'object' && method.protocols.includes(protocol));
}
