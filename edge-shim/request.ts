import { networkOf } from '../core/edge-keys.ts';
import { memberOf } from '../core/look-up.ts';
import { canonicalRequestPath } from '../core/path.ts';

/** In which form a viewer wants its answer: a redirect, or a list of the candidates. */
export type Form = 'redirect' | 'text' | 'json' | 'meta4';

/** A viewer's request as the decision needs it: parsed once, here. */
export interface EdgeRequest {
  readonly method: string;
  readonly form: Form;
  /** Canonical, or null where the request names no bytes. */
  readonly path: string | null;
  /** From SHA-256 of the path's family (`memberOf`): its first 4 bytes choose a bucket, the next 6 find it there. */
  readonly bucketHash: number;
  readonly pathHash: number;
  /** Which of its family it is. */
  readonly slot: number;
  /** ISO 3166-1, or '' where it is not known. */
  readonly country: string;
  /** The part of an ISO 3166-2 code behind the hyphen, or ''. */
  readonly subdivision: string;
  /** It is `?country` that says so: the viewer's own network does not matter. */
  readonly isElsewhere: boolean;
  readonly https: boolean;
  readonly ipv6: boolean;
  /** `networkOf` its address. */
  readonly network: string;
  /** 32 bits each that stay the same for all of a viewer's network (/24, /56): who among equals, and which shard. */
  readonly networkHash: number;
  readonly shardHash: number;
}

/** What an adapter takes from its platform's event; header values as they came, '' where there is none. */
export interface ViewerEvent {
  readonly method: string;
  /** The path as it was sent, without the query. */
  readonly uri: string;
  /** The query's `mirrorlist`, `meta4` and `country` as they were sent; undefined where they were not. */
  readonly query: { readonly [name: string]: string | undefined };
  readonly ip: string;
  readonly country: string;
  /** `cloudfront-viewer-country-region`. */
  readonly subdivision: string;
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
  const member = memberOf(path === null ? '' : path);
  const digest = sha256(member.name);
  const network = networkOf(event.ip);
  const networkDigest = sha256(network);
  const asked = (event.query['country'] || '').toUpperCase();
  const isElsewhere = /^[A-Z]{2}(-[A-Z0-9]{1,3})?(?!\n)$/.test(asked);
  const place = isElsewhere ? asked : event.country + '-' + event.subdivision;
  const list = event.query['mirrorlist'];
  return {
    method: event.method,
    form:
      list !== undefined
        ? list === 'json'
          ? 'json'
          : 'text'
        : event.query['meta4'] !== undefined
          ? 'meta4'
          : 'redirect',
    path: path,
    bucketHash: digest.readUInt32BE(0),
    pathHash: digest.readUIntBE(4, 6),
    slot: member.slot,
    country: /^[A-Z]{2}(-|(?!\n)$)/.test(place) ? place.slice(0, 2) : '',
    subdivision: /^[A-Z]{2}-[A-Z]{1,3}(?!\n)$/.test(place) ? place.slice(3) : '',
    isElsewhere: isElsewhere,
    https: event.forwardedProto !== 'http',
    ipv6: event.ip.indexOf(':') >= 0,
    network: network,
    networkHash: networkDigest.readUInt32BE(0),
    shardHash: networkDigest.readUInt32BE(4),
  };
}
