import {
  bucketKey,
  CLASSES_PER_PAGE,
  classKey,
  DEFAULT_REGION,
  decodeNumber,
  encodeNumber,
  fingerprintSpace,
  META_KEY,
  META_VERSION,
  privateZoneOf,
  tableKey,
  zoneOf,
} from '../core/edge-keys.ts';
import { type Candidate, inOrder, readCandidates } from './candidates.ts';
import type { EdgeRequest } from './request.ts';

/** Values of the store that were read so far, by key; null = the store has no such key. */
export type Tables = { [key: string]: string | null };

export type Decision =
  /** This key is needed next: read it, add it to the tables, ask again. At most four times. */
  | { readonly kind: 'need'; readonly key: string; readonly known?: Known }
  | {
      readonly kind: 'redirect';
      /** Live holders, best first; at least one. */
      readonly holders: readonly Candidate[];
      /** The candidates of the same table that are not among them. */
      readonly excluded: readonly Candidate[];
      /** The object's path, with the slash of a directory that was asked for without it. */
      readonly path: string;
      /** ISO 3166-1, `DEFAULT_REGION`, or the viewer's network (`192.0.2.*`) where mirrors serve that alone. */
      readonly region: string;
      /** Whose table it was: the region's, its network's, that of the default region, or all holders' world-wide. */
      readonly reason: 'near' | 'private' | 'default' | 'far';
      readonly builtAtS: number;
      /** The map is older than it should be; the answer is the best there is. */
      readonly stale: boolean;
    }
  | { readonly kind: 'fallback'; readonly location: string; readonly reason: string }
  | { readonly kind: 'reject'; readonly status: number; readonly reason: string };

/** What the `meta` key says. */
interface Meta {
  readonly epoch: string;
  readonly bucketCount: number;
  readonly builtAtS: number;
  readonly staleAfterS: number;
  /** Hex digits; bit n of the whole is access point n, the first digit holds points 0 to 3. */
  readonly up: string;
  /** For `zoneOf`. */
  readonly zones: string;
}

/** What was worked out on the way to a need. */
interface Known {
  readonly meta: Meta;
  /** Twice the presence class, plus one where the path of a directory lacks its slash; null = the bucket is needed. */
  readonly found: number | null;
  /** As in a redirect; '' = the bucket is needed. */
  readonly region: string;
  /** The key of the viewer's table; '' = the bucket is needed. */
  readonly table: string;
}

/**
 * Where a viewer is sent. Pure and total: the same request, tables and time give the same answer, and whatever the
 * tables hold (nothing, torn values, values of two builds) the answer is a redirect to a live access point of the
 * tables that holds the object, the fallback, or a refusal. Who hands in the need of the call before, for the same
 * request, is spared half of the work.
 */
export function decide(
  request: EdgeRequest,
  tables: Tables,
  nowS: number,
  fallback: string,
  before?: Decision,
): Decision {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { kind: 'reject', status: 405, reason: 'only GET and HEAD' };
  }
  if (request.path === null) {
    return { kind: 'reject', status: 400, reason: 'not a path' };
  }
  const known = before !== undefined && before.kind === 'need' ? before.known : undefined;
  const metaText = tables[META_KEY];
  if (metaText === undefined) {
    return { kind: 'need', key: META_KEY };
  }
  const meta = known !== undefined ? known.meta : readMeta(metaText);
  if (meta === null) {
    return toFallback(request, fallback, 'no map');
  }
  if (known !== undefined && known.found !== null) {
    return toHolder(request, tables, known, nowS, fallback);
  }
  const bucket = bucketKey(meta.epoch, request.bucketHash % meta.bucketCount);
  const bucketText = tables[bucket];
  if (bucketText === undefined) {
    return { kind: 'need', key: bucket, known: { meta: meta, found: null, region: '', table: '' } };
  }
  const found = bucketText === null ? -1 : findInBucket(bucketText, request.fingerprint);
  if (found < 0) {
    return toFallback(request, fallback, 'unknown object');
  }
  const region = privateZoneOf(meta.zones, request.network) || request.country || DEFAULT_REGION;
  const own = keyOf(request, meta, region, found >> 1);
  return toHolder(request, tables, { meta: meta, found: found, region: region, table: own }, nowS, fallback);
}

function toHolder(request: EdgeRequest, tables: Tables, known: Known, nowS: number, fallback: string): Decision {
  const meta = known.meta;
  const found = known.found as number;
  const classId = found >> 1;
  let region = known.region;
  let reason: 'near' | 'private' | 'default' | 'far' =
    region === DEFAULT_REGION ? 'default' : region === request.country ? 'near' : 'private';
  let key = known.table;
  let isAlone = true;
  if (tables[key] === null && region !== DEFAULT_REGION) {
    // A region without a table, or one that is still on its way. Four keys are read then.
    isAlone = false;
    region = DEFAULT_REGION;
    reason = 'default';
    key = keyOf(request, meta, region, classId);
  }
  const table = tables[key];
  if (table === undefined) {
    return { kind: 'need', key: key, known: known };
  }
  let candidates = table === null ? [] : readCandidates(table, classId % CLASSES_PER_PAGE, meta.up);
  let holders = inOrder(candidates, request);
  if (holders.length === 0 && isAlone) {
    // No near access point holds it: whoever does, world-wide.
    key = classKey(meta.epoch, request.https ? 's' : 'h', classId);
    const everywhere = tables[key];
    if (everywhere === undefined) {
      return { kind: 'need', key: key, known: known };
    }
    candidates = everywhere === null ? [] : readCandidates(everywhere, -1, meta.up);
    holders = inOrder(candidates, request);
    reason = 'far';
  }
  if (holders.length === 0) {
    return toFallback(request, fallback, 'no holder');
  }
  return {
    kind: 'redirect',
    holders: holders,
    excluded: candidates.filter(function (candidate) {
      return candidate.reason !== '';
    }),
    path: request.path + (found % 2 === 1 ? '/' : ''),
    region: region,
    reason: reason,
    builtAtS: meta.builtAtS,
    stale: nowS > meta.staleAfterS,
  };
}

/** The table for a viewer: of its region's zone, of its network's shard, the page with the class. A network has one. */
function keyOf(request: EdgeRequest, meta: Meta, region: string, classId: number): string {
  const zone = zoneOf(meta.zones, region, request.subdivision);
  const shard = Math.floor((request.shardHash / 4294967296) * zone.shards);
  return tableKey(meta.epoch, zone.name, request.https ? 's' : 'h', shard, Math.floor(classId / CLASSES_PER_PAGE));
}

function toFallback(request: EdgeRequest, fallback: string, reason: string): Decision {
  // The host that serves what no mirror does must speak https: an https viewer is never sent to http.
  const base = request.https ? fallback.replace(/^http:/, 'https:') : fallback;
  return { kind: 'fallback', location: base + (request.path === null ? '' : request.path), reason: reason };
}

/** `2 <epoch> <bucket count> <built at> <stale after> <up> <zones>`; null where it is anything else. */
function readMeta(text: string | null): Meta | null {
  const fields = text === null ? [] : text.split(' ');
  const bucketCount = Number(fields[2]);
  if (fields[0] !== META_VERSION || !(bucketCount >= 1) || fields.length !== 7) {
    return null;
  }
  return {
    epoch: fields[1] as string,
    bucketCount: bucketCount,
    builtAtS: Number(fields[3]),
    staleAfterS: Number(fields[4]),
    up: fields[5] as string,
    zones: fields[6] as string,
  };
}

/**
 * `<record width><palette size, 2 digits><palette, 2 digits each><records>`. A record is
 * `fingerprint * palette size + palette index`, the records are sorted: numbers of equal width sort like texts.
 * Answers the palette's entry, or -1.
 */
export function findInBucket(text: string, fingerprint: number): number {
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
