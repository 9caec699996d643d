import type { LookupFunction } from 'node:net';
import { messageOf } from '../../core/errors.ts';
import type { AccessPoint } from '../../core/mirror.ts';
import { foreignText, SftpError } from '../../core/node/sftp/error.ts';
import type { SftpPlace } from '../../core/node/sftp/place.ts';
import { pathToBytes } from '../../core/path-bytes.ts';
import { plainHost } from '../net/address.ts';
import { ForbiddenAddress } from '../net/reach.ts';
import { connectionReason } from '../net/reasons.ts';

/** The reason of an access point of which the mirror list says no login. */
export const NO_LOGIN = 'no user and host key are known: name them in the overrides of the mirror list';

export interface SftpWay {
  /** The text of the private key; null = what the ssh-agent holds. */
  readonly privateKey: string | null;
  readonly timeoutMs: number;
  /** Where the host's name leads; missing = wherever the system says. */
  readonly lookup?: LookupFunction;
}

/** How the host of an access point is reached; null where nothing is known of its login. */
export function placeOf({ url, login }: AccessPoint, way: SftpWay): SftpPlace | null {
  if (login === undefined) return null;
  const { hostname, port } = new URL(url);
  return { ...login, ...way, host: plainHost(hostname), port: port === '' ? 22 : Number(port) };
}

/** On the host, the path of an object; null where its name is no UTF-8, in which SFTP is asked. */
export function remotePath({ url }: AccessPoint, path: string): string | null {
  const root = decodeURIComponent(new URL(url).pathname);
  const name = asUtf8(path);
  return name === null ? null : path === '' ? root : `${root.replace(/\/+$/, '')}/${name}`;
}

/** A path's characters; null where its bytes are no UTF-8. */
export function asUtf8(path: string): string | null {
  const bytes = pathToBytes(path);
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : null;
}

/** What went wrong, as a sentence that may be published: foreign text in it is bounded and does without the user's name. */
export function sftpReason(error: unknown, user: string, timeoutMs: number): string {
  // Whatever else a server can make of the library is its fault, never the end of all checks.
  if (!(error instanceof SftpError))
    return `answers in a way that cannot be read: ${foreignText(messageOf(error), user)}`;
  const { cause, reason } = error;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const isOfSystem = typeof code === 'string' && /^E[A-Z]+$/.test(code);
  return isOfSystem || cause instanceof ForbiddenAddress ? connectionReason(cause, timeoutMs) : reason;
}
