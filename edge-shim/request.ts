import { canonicalRequestPath } from '../core/path.ts';

/** A viewer's request as the decision needs it: parsed once, here. */
export interface EdgeRequest {
  readonly method: string;
  /** Canonical, or null where the request names no bytes. */
  readonly path: string | null;
  /** From SHA-256 of the path: its first 4 bytes choose a bucket, the next 6 are the fingerprint. */
  readonly bucketHash: number;
  readonly fingerprint: number;
  /** ISO 3166-1, or '' where it is not known. */
  readonly country: string;
  readonly https: boolean;
  readonly ipv6: boolean;
  /** 32 bits that stay the same for all of a viewer's network (/24, /56). */
  readonly networkHash: number;
}

/** What an adapter takes from its platform's event; header values as they came, '' where there is none. */
export interface ViewerEvent {
  readonly method: string;
  /** The path as it was sent, without the query. */
  readonly uri: string;
  readonly ip: string;
  readonly country: string;
  readonly forwardedProto: string;
}

/** A SHA-256 digest with the reading methods of a Buffer, which the edge and Node share. */
export interface Digest {
  readUInt32BE(offset: number): number;
  readUIntBE(offset: number, byteLength: number): number;
}

const MAX_URI_CHARACTERS = 4096;

/** Never throws: a request that cannot be understood has a null path. */
export function readRequest(event: ViewerEvent, sha256: (text: string) => Digest): EdgeRequest {
  const path = event.uri.length > MAX_URI_CHARACTERS ? null : canonicalRequestPath(event.uri);
  const digest = sha256(path === null ? '' : path);
  return {
    method: event.method,
    path: path,
    bucketHash: digest.readUInt32BE(0),
    fingerprint: digest.readUIntBE(4, 6),
    country: /^[A-Z][A-Z]$/.test(event.country) ? event.country : '',
    https: event.forwardedProto !== 'http',
    ipv6: event.ip.indexOf(':') >= 0,
    networkHash: sha256(networkOf(event.ip)).readUInt32BE(0),
  };
}

/** The /24 of an IPv4 address, the /56 of an IPv6 address, as a text. */
export function networkOf(ip: string): string {
  if (ip.indexOf(':') < 0) {
    return ip.slice(0, ip.lastIndexOf('.') + 1);
  }
  const gap = ip.indexOf('::');
  const head = (gap < 0 ? ip : ip.slice(0, gap)).split(':');
  while (head.length < 4) {
    head.push('0');
  }
  const fourth = parseInt(head[3] as string, 16) || 0;
  return head.slice(0, 3).join(':') + ':' + (fourth >> 8).toString(16);
}
