import {
  bucketKey,
  classKey,
  DEFAULT_REGION,
  META_KEY,
  META_VERSION,
  privateZoneOf,
  tableKey,
  zoneOf,
} from '../core/edge-keys.ts';
import { type Found, findInBucket, memberPath } from '../core/look-up.ts';
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
      /** The candidates of the tables that were read which are not among them. */
      readonly leftOut: readonly Candidate[];
      /** Of the holders' URLs; false only for viewers over http whom the map does not lead to https. */
      readonly https: boolean;
      /** The object's path, with the slash of a directory that was asked for without it. */
      readonly path: string;
      /** The path of the file that a link leads to, for holders which have that alone; without any, it means nothing. */
      readonly aliasPath: string;
      /** ISO 3166-1, `DEFAULT_REGION`, or the viewer's network (`192.0.2.*`) where mirrors serve that alone. */
      readonly region: string;
      /** Whose table it was: the region's, its network's, that of the default region, or all holders' world-wide. */
      readonly reason: 'near' | 'private' | 'default' | 'far';
      readonly builtAtS: number;
      /** The map is older than it should be; the answer is the best there is. */
      readonly stale: boolean;
    }
  | {
      readonly kind: 'fallback';
      readonly location: string;
      readonly reason: string;
      /** As in a redirect. */
      readonly leftOut: readonly Candidate[];
      readonly stale: boolean;
    }
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
  /** Viewers over http are sent to https. */
  readonly upgrade: boolean;
}

/** What was worked out on the way to a need. */
interface Known {
  readonly meta: Meta;
  /** Null = the bucket is needed. */
  readonly found: Found | null;
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
    return toFallback(request, null, nowS, fallback, 'no map', []);
  }
  if (known !== undefined && known.found !== null) {
    return toHolder(request, tables, known, nowS, fallback);
  }
  const bucket = bucketKey(meta.epoch, request.bucketHash % meta.bucketCount);
  const bucketText = tables[bucket];
  if (bucketText === undefined) {
    return { kind: 'need', key: bucket, known: { meta: meta, found: null, region: '', table: '' } };
  }
  const found = bucketText === null ? null : findInBucket(bucketText, request.pathHash, request.slot);
  if (found === null) {
    return toFallback(request, meta, nowS, fallback, 'unknown object', []);
  }
  const own = request.isElsewhere ? '' : privateZoneOf(meta.zones, request.network);
  const region = own || request.country || DEFAULT_REGION;
  const table = keyOf(request, meta, region);
  return toHolder(request, tables, { meta: meta, found: found, region: region, table: table }, nowS, fallback);
}

function toHolder(request: EdgeRequest, tables: Tables, known: Known, nowS: number, fallback: string): Decision {
  const meta = known.meta;
  const found = known.found as Found;
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
    key = keyOf(request, meta, region);
  }
  const table = tables[key];
  if (table === undefined) {
    return { kind: 'need', key: key, known: known };
  }
  let candidates = readCandidates(table, found.classId, found.aliasClassId, meta.up, request.ipv6);
  let holders = inOrder(candidates, request);
  if (holders.length === 0 && isAlone) {
    // No near access point holds it: whoever does, world-wide.
    key = classKey(meta.epoch, isHttps(request, meta) ? 's' : 'h', found.aliasClassId || found.classId);
    const everywhere = tables[key];
    if (everywhere === undefined) {
      return { kind: 'need', key: key, known: known };
    }
    const isAlias = found.aliasClassId > 0;
    const near = candidates;
    candidates = near.concat(
      readCandidates(everywhere, isAlias ? 0 : -1, -1, meta.up, request.ipv6).filter(function (far) {
        return !near.some(function (candidate) {
          return candidate.accessPoint === far.accessPoint;
        });
      }),
    );
    holders = inOrder(candidates, request);
    reason = 'far';
  }
  const leftOut = candidates.filter(function (candidate) {
    return candidate.whyNot !== '';
  });
  if (holders.length === 0) {
    return toFallback(request, meta, nowS, fallback, 'no holder region=' + region, leftOut);
  }
  return {
    kind: 'redirect',
    holders: holders,
    leftOut: leftOut,
    https: isHttps(request, meta),
    path: request.path + (found.lacksSlash ? '/' : ''),
    aliasPath: memberPath(request.path as string, found.aliasSlot),
    region: region,
    reason: reason,
    builtAtS: meta.builtAtS,
    stale: nowS > meta.staleAfterS,
  };
}

function isHttps(request: EdgeRequest, meta: Meta): boolean {
  return request.https || meta.upgrade;
}

/** The table for a viewer: of its region's zone, of its network's shard. */
function keyOf(request: EdgeRequest, meta: Meta, region: string): string {
  const zone = zoneOf(meta.zones, region, request.subdivision);
  const shard = Math.floor((request.shardHash / 4294967296) * zone.shards);
  return tableKey(meta.epoch, zone.name, isHttps(request, meta) ? 's' : 'h', shard);
}

function toFallback(
  request: EdgeRequest,
  meta: Meta | null,
  nowS: number,
  fallback: string,
  reason: string,
  leftOut: readonly Candidate[],
): Decision {
  // The host that serves what no mirror does must speak https: an https viewer is never sent to http.
  const https = meta === null ? request.https : isHttps(request, meta);
  return {
    kind: 'fallback',
    location: (https ? fallback.replace(/^http:/, 'https:') : fallback) + request.path,
    reason: reason,
    leftOut: leftOut,
    stale: meta !== null && nowS > meta.staleAfterS,
  };
}

/** `3 <epoch> <bucket count> <built at> <stale after> <up> <zones> <s: http viewers are sent to https; h>`; null where it is anything else. */
function readMeta(text: string | null): Meta | null {
  const fields = text === null ? [] : text.split(' ');
  const bucketCount = Number(fields[2]);
  if (fields[0] !== META_VERSION || !(bucketCount >= 1) || fields.length !== 8) {
    return null;
  }
  return {
    epoch: fields[1] as string,
    bucketCount: bucketCount,
    builtAtS: Number(fields[3]),
    staleAfterS: Number(fields[4]),
    up: fields[5] as string,
    zones: fields[6] as string,
    upgrade: fields[7] === 's',
  };
}
