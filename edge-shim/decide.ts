import {
  bucketKey,
  CLASSES_PER_PAGE,
  classKey,
  DEFAULT_REGION,
  decodeNumber,
  encodeNumber,
  fingerprintSpace,
  META_KEY,
  regionKey,
} from '../core/edge-keys.ts';
import { type Candidate, choose, readCandidates } from './candidates.ts';
import type { EdgeRequest } from './request.ts';

/** Values of the store that were read so far, by key; null = the store has no such key. */
export type Tables = { [key: string]: string | null };

export type Decision =
  /** This key is needed next: read it, add it to the tables, ask again. At most four times. */
  | { readonly kind: 'need'; readonly key: string }
  | {
      readonly kind: 'redirect';
      readonly location: string;
      readonly region: string;
      readonly tier: number;
      readonly accessPoint: number;
      /** The map is older than it should be; the answer is the best there is. */
      readonly stale: boolean;
    }
  | { readonly kind: 'fallback'; readonly location: string; readonly reason: string }
  | { readonly kind: 'reject'; readonly status: number; readonly reason: string };

/** What the `meta` key says. */
interface Meta {
  readonly epoch: string;
  readonly bucketCount: number;
  readonly staleAfterS: number;
  /** Hex digits; bit n of the whole is access point n, the first digit holds points 0 to 3. */
  readonly up: string;
}

/**
 * Where a viewer is sent. Pure and total: the same request, tables and time give the same answer, and whatever the
 * tables hold (nothing, torn values, values of two builds) the answer is a redirect to a live access point of the
 * tables that holds the object, the fallback, or a refusal.
 */
export function decide(request: EdgeRequest, tables: Tables, nowS: number, fallback: string): Decision {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { kind: 'reject', status: 405, reason: 'only GET and HEAD' };
  }
  if (request.path === null) {
    return { kind: 'reject', status: 400, reason: 'not a path' };
  }
  const metaText = tables[META_KEY];
  if (metaText === undefined) {
    return { kind: 'need', key: META_KEY };
  }
  const meta = readMeta(metaText);
  if (meta === null) {
    return toFallback(request, fallback, 'no map');
  }
  const bucket = bucketKey(meta.epoch, request.bucketHash % meta.bucketCount);
  const bucketText = tables[bucket];
  if (bucketText === undefined) {
    return { kind: 'need', key: bucket };
  }
  const found = bucketText === null ? -1 : findInBucket(bucketText, request.fingerprint);
  if (found < 0) {
    return toFallback(request, fallback, 'unknown object');
  }
  return toHolder(request, tables, meta, found, nowS, fallback);
}

/** `found` is twice the presence class, plus one where the path of a directory lacks its slash. */
function toHolder(
  request: EdgeRequest,
  tables: Tables,
  meta: Meta,
  found: number,
  nowS: number,
  fallback: string,
): Decision {
  const classId = found >> 1;
  const scheme = request.https ? 's' : 'h';
  const page = Math.floor(classId / CLASSES_PER_PAGE);
  const asked = request.country === '' ? DEFAULT_REGION : request.country;
  let region = asked;
  let table = tables[regionKey(meta.epoch, region, scheme, page)];
  if (table === null && asked !== DEFAULT_REGION) {
    region = DEFAULT_REGION;
    table = tables[regionKey(meta.epoch, region, scheme, page)];
  }
  if (table === undefined) {
    return { kind: 'need', key: regionKey(meta.epoch, region, scheme, page) };
  }
  let chosen = table === null ? null : choose(readCandidates(table, classId % CLASSES_PER_PAGE), meta.up, request);
  if (chosen === null && region === asked) {
    // No near access point holds it: whoever does, world-wide. (For an unknown region four keys are read already.)
    const everywhere = tables[classKey(meta.epoch, scheme, classId)];
    if (everywhere === undefined) {
      return { kind: 'need', key: classKey(meta.epoch, scheme, classId) };
    }
    chosen = everywhere === null ? null : choose(readCandidates(everywhere, -1), meta.up, request);
  }
  return chosen === null
    ? toFallback(request, fallback, 'no holder')
    : redirect(request, chosen, found, region, nowS > meta.staleAfterS);
}

function redirect(request: EdgeRequest, chosen: Candidate, found: number, region: string, stale: boolean): Decision {
  const scheme = request.https ? 'https://' : 'http://';
  return {
    kind: 'redirect',
    location: scheme + chosen.root + request.path + (found % 2 === 1 ? '/' : ''),
    region: region,
    tier: chosen.tier,
    accessPoint: chosen.accessPoint,
    stale: stale,
  };
}

function toFallback(request: EdgeRequest, fallback: string, reason: string): Decision {
  // The host that serves what no mirror does must speak https: an https viewer is never sent to http.
  const base = request.https ? fallback.replace(/^http:/, 'https:') : fallback;
  return { kind: 'fallback', location: base + (request.path === null ? '' : request.path), reason: reason };
}

/** `1 <epoch> <bucket count> <built at> <stale after> <up>`; null where it is anything else. */
function readMeta(text: string | null): Meta | null {
  const fields = text === null ? [] : text.split(' ');
  const bucketCount = Number(fields[2]);
  if (fields[0] !== '1' || !(bucketCount >= 1) || fields.length !== 6) {
    return null;
  }
  return {
    epoch: fields[1] as string,
    bucketCount: bucketCount,
    staleAfterS: Number(fields[4]),
    up: fields[5] as string,
  };
}

/**
 * `<record width><palette size, 2 digits><palette, 2 digits each><records>`. A record is
 * `fingerprint * palette size + palette index`, the records are sorted: numbers of equal width sort like texts.
 * Answers the palette's entry, or -1.
 */
function findInBucket(text: string, fingerprint: number): number {
  const width = Number(text.charAt(0));
  const paletteSize = decodeNumber(text, 1, 2);
  const start = 3 + 2 * paletteSize;
  if (
    !(width >= 1 && width <= 8) ||
    !(paletteSize >= 1) ||
    text.length < start ||
    (text.length - start) % width !== 0
  ) {
    return -1;
  }
  const first = (fingerprint % fingerprintSpace(width, paletteSize)) * paletteSize;
  const lowest = encodeNumber(first, width);
  let low = 0;
  let high = (text.length - start) / width;
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = start + middle * width;
    if (text.slice(at, at + width) < lowest) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const index = decodeNumber(text, start + low * width, width) - first;
  return index >= 0 && index < paletteSize ? decodeNumber(text, 3 + 2 * index, 2) : -1;
}
