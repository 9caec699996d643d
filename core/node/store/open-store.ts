import { type SftpAccess, sftpPlaceOf } from '../sftp/place.ts';
import type { Store } from './contract.ts';
import { directoryStore } from './directory-store.ts';
import { sftpStore } from './sftp-store.ts';

/** Where a store is, and how it is entered. */
export interface StorePlace {
  /** A folder's absolute path, or `sftp://user@host[:port]/path`. */
  readonly at: string;
  /** For `sftp:` alone, and needed there. */
  readonly access?: SftpAccess;
}

/**
 * `privateKey`, the text of a key, goes before the file that `access` names. Connects when it is first used. Throws
 * UsageError where the place is none.
 */
export function openStore({ at, access }: StorePlace, privateKey: string | null, timeoutMs: number): Store {
  if (!/^sftp:/i.test(at)) return directoryStore(at);
  const entered = access === undefined || privateKey === null ? access : { ...access, keyFile: null };
  const { place, directory } = sftpPlaceOf(at, entered, timeoutMs);
  return sftpStore({ ...place, privateKey: privateKey ?? place.privateKey, folder: directory });
}
