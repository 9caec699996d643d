import { quoted } from '../../core/errors.ts';

const MAX_FOREIGN_CHARACTERS = 80;
/** The control connection ends. */
export const NO_MORE_SERVICE = 421;
const NOT_LOGGED_IN = 530;

/** What went wrong, as a sentence with foreign text quoted. */
export class FtpFailure extends Error {
  override name = 'FtpFailure';
}

/** The server has as many clients as it takes: it tells nothing of what it holds. */
export class FtpFullHouse extends FtpFailure {
  override name = 'FtpFullHouse';
}

const NO_MORE_ROOM =
  /too many|\bmax(imum)?\b|limit|\bfull\b|busy|overload|try (again )?later|already (connected|logged in)/i;

/** Of a refused login, which has other limits too: of tries, of who may come in. */
const TOO_MANY_OF_US =
  /(?:too many|\bmax(?:imum)?\b|limit).*\b(?:clients?|users?|connections?|sessions?)\b|\b(?:clients?|users?|connections?|sessions?)\b.*(?:too many|\bmax(?:imum)?\b|limit)|already (?:connected|logged in)/i;

/**
 * Whether an answer to a client that comes in says that there are too many. 421 (RFC 959, 4.2) has other meanings too, of
 * which its text tells: silence for too long, an end of all service. ProFTPD says 530 when the login shows whose client it is.
 */
export function isFullHouse(code: number, message: string): boolean {
  if (code === NO_MORE_SERVICE) return NO_MORE_ROOM.test(message);
  return code === NOT_LOGGED_IN && TOO_MANY_OF_US.test(message);
}

/** Whether FTP can name a path: its lines can't hold a line's end, and on a Telnet line 255 begins a command. */
export function isSendable(latin1: string): boolean {
  return !/[\r\n\0\xff]/.test(latin1);
}

/** What a server answers, for a sentence. */
export function said(message: string): string {
  return `answers ${saying(message)}`;
}

/** What it says, quoted. */
export function saying(message: string): string {
  return quoted(message, MAX_FOREIGN_CHARACTERS);
}

/** The port for data of an answer to EPSV (RFC 2428, 3). Throws FtpFailure. */
export function extendedPort(message: string): number {
  return portOf(/\(([!-~])\1\1(\d{1,5})\1\)/.exec(message)?.[2], message);
}

/** That of an answer to PASV (RFC 959, 4.1.2); the host in it is not heeded: it could be anybody's. Throws FtpFailure. */
export function passivePort(message: string): number {
  const [, high, low] = /\d{1,3},\d{1,3},\d{1,3},\d{1,3},(\d{1,3}),(\d{1,3})/.exec(message) ?? [];
  return portOf(high === undefined ? undefined : String(Number(high) * 256 + Number(low)), message);
}

function portOf(digits: string | undefined, message: string): number {
  const port = Number(digits);
  if (!(port > 0 && port < 65_536)) throw new FtpFailure(`tells no port for data: ${said(message)}`);
  return port;
}

/**
 * The login's own directory with a slash at its end, of an answer to PWD (RFC 959, appendix II: the name stands in
 * quotes, its own quotes doubled).
 */
export function rootOf(message: string): string {
  const name = /^257 "((?:[^"]|"")*)"/.exec(message)?.[1]?.replaceAll('""', '"') ?? '/';
  return name.startsWith('/') && isSendable(name) ? name.replace(/\/*$/, '/') : '/';
}
