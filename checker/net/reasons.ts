import { STATUS_CODES } from 'node:http';
import { messageOf, quoted } from '../../core/errors.ts';
import type { HostWish } from '../../core/formats/hosts-file.ts';

import { ForbiddenAddress } from './reach.ts';

const MAX_FOREIGN_CHARACTERS = 80;

const CUT = 'closes the connection without a whole answer';
const WRONG_LENGTH = 'tells a length (Content-Length) that cannot be right';
// Codes of undici (docs/api/Errors.md), Node (errors.html#common-system-errors, tls) and OpenSSL's verification.
const SENTENCES: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: CUT,
  UND_ERR_HEADERS_OVERFLOW: 'sends headers without end',
  UND_ERR_ABORTED: 'sends interim answers without end',
  UND_ERR_INFO: CUT,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: WRONG_LENGTH,
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ECONNABORTED: 'connection reset',
  EPIPE: 'connection reset',
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the name cannot be resolved for now',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'no connection in time',
  EADDRNOTAVAIL: 'this machine has no address left to connect from',
  EMFILE: 'this machine has too many files and connections open',
  EACCES: 'this machine may not connect there',
  EPERM: 'this machine may not connect there',
  CERT_HAS_EXPIRED: 'certificate expired',
  CERT_NOT_YET_VALID: 'certificate not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate is for another name',
  WRONG_NAME: 'certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate is not from a trusted authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate chain is incomplete',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate is not from a trusted authority',
  CERT_REVOKED: 'certificate revoked',
  EPROTO: 'no TLS connection',
};

/** What went wrong with a connection, as a short sentence. Foreign text in it is quoted and cut. */
export function connectionReason(error: unknown, timeoutMs: number): string {
  if (error instanceof ForbiddenAddress) return error.message;
  const code = String((error as NodeJS.ErrnoException | null)?.code ?? '');
  const seconds = `${timeoutMs / 1000} s`;
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return `no connection within ${seconds}`;
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return `no answer within ${seconds}`;
  // Its code is not to be relied on: undici looks it up by number in a table of names.
  if ((error as Error | null)?.name === 'HTTPParserError')
    return /content-length/i.test(messageOf(error)) ? WRONG_LENGTH : 'its answer is not HTTP';
  if (code.startsWith('ERR_SSL_')) return 'no TLS connection';
  if (code.startsWith('ERR_HTTP2_')) return 'breaks off HTTP/2';
  return SENTENCES[code] ?? `connection failed: ${quoted(code || messageOf(error), MAX_FOREIGN_CHARACTERS)}`;
}

/** With Content-Encoding, that is. */
export const COMPRESSED = 'answers compressed without being asked';

/** A time for people: "18 s", "60 minutes". */
export function inWords(ms: number): string {
  return ms < 120_000 ? `${Number((ms / 1000).toFixed(ms < 10_000 ? 1 : 0))} s` : `${Math.round(ms / 60_000)} minutes`;
}

/** Whether the other side kept silent, as opposed to closing, refusing or talking nonsense. */
export function isTimeout(error: unknown): boolean {
  const code = String((error as NodeJS.ErrnoException | null)?.code ?? '');
  return code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT';
}

/** Whether bytes came that belong to no question: no HTTP, or an answer that nobody waits for. */
export function isStrayAnswer(error: unknown): boolean {
  const { name, code, message } = error as Partial<NodeJS.ErrnoException>;
  return name === 'HTTPParserError' || (code === 'UND_ERR_SOCKET' && message === 'bad response');
}

/**
 * What a status that proves nothing says. Of a redirect only the origin is told: a site that redirects each name
 * to another place would otherwise have as many reasons as there are names.
 */
export function statusReason(status: number, location: string): string {
  if (status >= 300 && status < 400) return `redirects (${status})${location === '' ? '' : ` to ${target(location)}`}`;
  return `answers ${phraseOf(status)}`;
}

/** What a host that wants to be left alone says. */
export function busyReason({ status, notBeforeMs }: HostWish): string {
  const until = notBeforeMs === 0 ? 'not asked on' : `not to be asked before ${minuteOf(notBeforeMs)}`;
  return `answers ${phraseOf(status)}: ${until}`;
}

/** "2026-07-01 06:10 UTC". */
function minuteOf(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** A status and what it means: "404 (not found)". */
export function phraseOf(status: number): string {
  const phrase = STATUS_CODES[status]?.toLowerCase();
  return phrase === undefined ? String(status) : `${status} (${phrase})`;
}

function target(location: string): string {
  const origin = /^https?:\/\/[^/?#]+/i.exec(location)?.[0];
  return origin === undefined ? 'a path of its own' : quoted(origin, MAX_FOREIGN_CHARACTERS);
}
