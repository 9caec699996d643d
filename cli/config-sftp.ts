import * as z from 'zod';
import { messageOf } from '../core/errors.ts';
import type { Mirror } from '../core/mirror.ts';
import { HOST_KEY_SHA256, readPrivateKey, type SftpAccess } from '../core/node/sftp/place.ts';
import { text } from '../core/toml-values.ts';

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

/** Where a runner gets the key for mirrors from, if no file is to lie on it. */
const MIRROR_KEY_VARIABLE = 'REDIRECTOR_MIRROR_KEY';

/**
 * The private key that enters mirrors over SFTP: of the environment, or a file; null = what the ssh-agent holds, or that none
 * of the mirrors is entered so. A file that can't be read is told of: a machine without it checks the other access points.
 */
export function mirrorKey(
  sftpKeyFile: string | null,
  mirrors: readonly Mirror[],
  note: (line: string) => void,
): string | null {
  if (!mirrors.some(({ accessPoints }) => accessPoints.some(({ protocol }) => protocol === 'sftp'))) return null;
  const given = process.env[MIRROR_KEY_VARIABLE];
  if (given !== undefined && given !== '') return given;
  if (sftpKeyFile === null) return null;
  try {
    return readPrivateKey(sftpKeyFile);
  } catch (error) {
    note(`${messageOf(error)}, or its text in ${MIRROR_KEY_VARIABLE}: mirrors are not entered over SFTP from here`);
    return null;
  }
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
