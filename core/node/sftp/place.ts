import { readFileSync } from 'node:fs';
import type { LookupFunction } from 'node:net';
import { messageOf, UsageError } from '../../errors.ts';

/** A host key's fingerprint, as `ssh-keygen -l` prints it. */
export const HOST_KEY_SHA256 = /^SHA256:[A-Za-z0-9+/]{43}$/;

/** A host that is reached over SFTP, and how. */
export interface SftpPlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** The key's text (OpenSSH or PEM), without a passphrase; null = what the ssh-agent of this session holds. */
  readonly privateKey: string | null;
  /** Of the key that the host shows, as `ssh-keygen -l` prints it: `SHA256:` and 43 characters of base64. */
  readonly hostKeySha256: string;
  /** Longest wait for the connection, and longest silence while something is under way. */
  readonly timeoutMs: number;
  /** Where the host's name leads (`net.connect`). Default: wherever the system says. */
  readonly lookup?: LookupFunction;
}

/** How a host is entered over SFTP, and how it is known. */
export interface SftpAccess {
  /** The file of a private key without a passphrase; null = what the ssh-agent holds. */
  readonly keyFile: string | null;
  /** Of the host's key, as `ssh-keygen -l` prints it: `SHA256:` and 43 characters of base64. */
  readonly hostKeySha256: string;
}

/** The host of `sftp://user@host[:port]/path` and the directory there. Throws UsageError where URL or key is none. */
export function sftpPlaceOf(
  from: string,
  access: SftpAccess | undefined,
  timeoutMs: number,
): { place: SftpPlace; directory: string } {
  const form = 'write it as sftp://user@host/path, without a password';
  let url: URL;
  try {
    url = new URL(from);
    decodeURIComponent(url.pathname + url.username);
  } catch {
    throw new UsageError(`${from}: no URL; ${form}`);
  }
  if (url.username === '' || url.password !== '' || url.hostname === '') throw new UsageError(`${from}: ${form}`);
  if (access === undefined) throw new UsageError(`${from}: the host's key must be known; give its fingerprint`);
  const { keyFile, hostKeySha256 } = access;
  const place = {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 22 : Number(url.port),
    user: decodeURIComponent(url.username),
    privateKey: keyFile === null ? null : readPrivateKey(keyFile),
    hostKeySha256,
    timeoutMs,
  };
  return { place, directory: decodeURIComponent(url.pathname) };
}

/** A private key's text. Throws UsageError where the file can't be read. */
export function readPrivateKey(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file}: cannot be read (${messageOf(error)}); name the file of a private key`);
  }
}
