import * as z from 'zod';
import { HOST_KEY_SHA256, readPrivateKey, type SftpAccess } from '../core/node/sftp/place.ts';
import { text } from './config-values.ts';

const ONLY_SFTP = 'it is for an sftp:// place alone';
const FINGERPRINT = 'allowed: the fingerprint "SHA256:…" that "ssh-keygen -l" prints';

/** How a host is entered over SFTP, beside the key that names the place. */
export const sftpKeys = {
  key: text('the file of a private key; without it, the ssh-agent is asked').optional(),
  host_key: z.string({ error: FINGERPRINT }).regex(HOST_KEY_SHA256, { error: FINGERPRINT }).optional(),
};

export interface SftpKeys {
  readonly key?: string | undefined;
  readonly host_key?: string | undefined;
}

/** The private key that enters mirrors over SFTP, null = what the ssh-agent holds. Throws UsageError where its file can't be read. */
export function mirrorKey(sftpKeyFile: string | null): string | null {
  return sftpKeyFile === null ? null : readPrivateKey(sftpKeyFile);
}

/** A host over SFTP needs its key; no other place has any. */
export function sftpProblems(place: string, { key, host_key }: SftpKeys): { path: string[]; message: string }[] {
  if (!/^sftp:/i.test(place)) {
    const given = [...(key === undefined ? [] : ['key']), ...(host_key === undefined ? [] : ['host_key'])];
    return given.map((name) => ({ path: [name], message: ONLY_SFTP }));
  }
  const needed =
    'an sftp:// place needs it: the fingerprint "SHA256:…" that "ssh-keygen -l" prints for the host\'s key';
  return host_key === undefined ? [{ path: ['host_key'], message: needed }] : [];
}

/** With the key's file as `located` places it; nothing where no host key is given. */
export function accessOf(
  { key, host_key: hostKeySha256 }: SftpKeys,
  located: (file: string) => string,
): { access?: SftpAccess } {
  if (hostKeySha256 === undefined) return {};
  return { access: { keyFile: key === undefined ? null : located(key), hostKeySha256 } };
}
