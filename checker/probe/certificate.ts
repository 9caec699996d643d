import type { PeerCertificate, TLSSocket } from 'node:tls';
import { quoted } from '../../core/errors.ts';
import { connectionReason } from '../net/reasons.ts';

const MAX_NAMES_TOLD = 3;
const MAX_NAME_CHARACTERS = 80;
const DAY_MS = 24 * 3600 * 1000;
const HOUR_MS = 3600 * 1000;

/** A TLS connection after its handshake: '' or a sentence on why its certificate is not to be trusted. */
export function certificateReason(socket: TLSSocket, nowMs: number): string {
  if (socket.authorized) return '';
  // Node gives the code of the error; its types say an Error.
  const code = String(socket.authorizationError);
  const certificate = socket.getPeerCertificate();
  if (code === 'CERT_HAS_EXPIRED') {
    const endMs = validToMs(certificate);
    return endMs !== null && endMs <= nowMs
      ? `certificate expired ${age(nowMs - endMs)} ago`
      : 'a certificate of the chain has expired';
  }
  if (code === 'CERT_NOT_YET_VALID') {
    const startMs = Date.parse(certificate.valid_from ?? '');
    return Number.isNaN(startMs)
      ? 'certificate not valid yet'
      : `certificate not valid before ${new Date(startMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `certificate is for other names: ${namesOf(certificate)}`;
  // One certificate alone, by somebody unknown: either that is the authority, or one between them is not sent.
  if (code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE') {
    return 'certificate is not from a trusted authority, or its chain is incomplete';
  }
  return connectionReason({ code }, 0);
}

/** End of validity in milliseconds since 1970; null where the certificate tells none. */
export function validToMs(certificate: Partial<PeerCertificate>): number | null {
  const endMs = Date.parse(certificate.valid_to ?? '');
  return Number.isNaN(endMs) ? null : endMs;
}

function age(ms: number): string {
  if (ms < 2 * HOUR_MS) return `${Math.floor(ms / 60_000)} minutes`;
  return ms < 2 * DAY_MS ? `${Math.floor(ms / HOUR_MS)} hours` : `${Math.floor(ms / DAY_MS)} days`;
}

function namesOf({ subjectaltname, subject }: PeerCertificate): string {
  const names = subjectaltname?.split(', ').map((name) => name.replace(/^(DNS|IP Address):/, '')) ?? [];
  const all = names.length > 0 ? names : [String(subject?.CN ?? '')];
  const told = all.slice(0, MAX_NAMES_TOLD).map((name) => quoted(name, MAX_NAME_CHARACTERS));
  return `${told.join(', ')}${all.length > told.length ? ` and ${all.length - told.length} more` : ''}`;
}
