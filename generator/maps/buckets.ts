import { createHash } from 'node:crypto';
import { bucketKey, decodeNumber, encodeNumber, RADIX } from '../../core/edge-keys.ts';
import { findInBucket, fingerprintOf, fingerprintSpace, HAS_ALIAS, LACKS_SLASH, memberOf } from '../../core/look-up.ts';

/** A path the edge can look up. */
export interface Entry {
  /** Of SHA-256 of the name of the path's family (`memberOf`): the first 4 bytes, and the next 6; and which of it it is. */
  readonly bucketHash: number;
  readonly pathHash: number;
  readonly slot: number;
  readonly classId: number;
  /** The edge has to add a directory's slash. */
  readonly lacksSlash: boolean;
  /** The member of a flat name's family to answer with where a mirror lacks the name; 0 = none. It has an entry too. */
  readonly aliasSlot: number;
}

export interface Buckets {
  readonly bucketCount: number;
  /** Key and value, by bucket. Empty buckets have none. */
  readonly keys: readonly (readonly [string, string])[];
}

/** CloudFront KeyValueStore: the largest value, in bytes. */
export const MAX_VALUE_BYTES = 1024;
/** A new epoch begins with buckets no fuller than this: it lasts until some have grown beyond `MAX_VALUE_BYTES`. */
export const MAX_FRESH_BYTES = 960;
/** So full is a bucket on average: the spread (a Poisson's) and a year's new objects have room. */
const MEAN_ENTRIES = 140;
/** Beyond it numbers are no longer exact. */
const WIDEST_RECORD = 7;
/** So often may an unknown path be mistaken for an entry, over all buckets. */
const FALSE_KNOWN_BOUND = 1e-6;
/** In a bucket that is full, where a wider record would overflow it. */
const FULL_BUCKET_BOUND = 4e-6;

export function entryOf(path: string, classId: number, { lacksSlash = false, aliasSlot = 0 } = {}): Entry {
  const { name, slot } = memberOf(path);
  const digest = createHash('sha256').update(name).digest();
  const [bucketHash, pathHash] = [digest.readUInt32BE(0), digest.readUIntBE(4, 6)];
  return { bucketHash, pathHash, slot, classId, lacksSlash, aliasSlot };
}

/** The number of buckets to begin an epoch with. */
export function bucketCountFor(entryCount: number): number {
  return Math.max(1, Math.ceil(entryCount / MEAN_ENTRIES));
}

/** Packs the entries, or null where a bucket overflows or too many unknown names would be taken for known. */
export function packBuckets(
  entries: readonly Entry[],
  bucketCount: number,
  epoch: string,
  mostBytes: number = MAX_VALUE_BYTES,
): Buckets | null {
  const buckets = Array.from({ length: bucketCount }, (): Entry[] => []);
  for (const entry of entries) (buckets[entry.bucketHash % bucketCount] as Entry[]).push(entry);
  const keys: [string, string][] = [];
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    const members = buckets[bucket] as Entry[];
    if (members.length === 0) continue;
    const value =
      packBucket(members, FALSE_KNOWN_BOUND, mostBytes) ?? packBucket(members, FULL_BUCKET_BOUND, mostBytes);
    if (value === null) return null;
    keys.push([bucketKey(epoch, bucket), value]);
  }
  return falseKnownRate(keys, bucketCount) > FALSE_KNOWN_BOUND ? null : { bucketCount, keys };
}

/**
 * The text that `findInBucket` reads; null where it gets too long. The records are as wide as they must be for the bound,
 * or so much wider that no two entries share a fingerprint, and every alias is the next record; where that is too long,
 * an alias is given up.
 */
function packBucket(members: readonly Entry[], bound: number, mostBytes: number): string | null {
  const values = members.map(paletteValue);
  const palette = [...new Set(values)].sort((a, b) => a - b);
  let reduced: readonly Entry[] | null = null;
  for (let width = recordWidth(members.length * palette.length, bound); width <= WIDEST_RECORD; width++) {
    const text = recordsOf(members, values, palette, width);
    if (text === null) continue;
    if (text.length > mostBytes) break;
    const isLost = (entry: Entry) =>
      entry.aliasSlot > 0 && findInBucket(text, entry.pathHash, 0)?.aliasSlot !== entry.aliasSlot;
    if (!members.some(isLost)) return text;
    reduced ??= members.map((entry) => (isLost(entry) ? { ...entry, aliasSlot: 0 } : entry));
  }
  return reduced === null ? null : packBucket(reduced, bound, mostBytes);
}

function paletteValue({ classId, lacksSlash, aliasSlot }: Entry): number {
  return classId * 4 + (lacksSlash ? LACKS_SLASH : 0) + (aliasSlot > 0 ? HAS_ALIAS : 0);
}

/** Null where two of them share a fingerprint. */
function recordsOf(
  members: readonly Entry[],
  values: readonly number[],
  palette: readonly number[],
  width: number,
): string | null {
  const index = new Map(palette.map((value, i) => [value, i]));
  const space = fingerprintSpace(width, palette.length);
  const records = members
    .map(
      ({ pathHash, slot }, i) =>
        fingerprintOf(pathHash, slot, space) * palette.length + (index.get(values[i] as number) as number),
    )
    .sort((a, b) => a - b);
  const fingerprints = new Set(records.map((record) => Math.floor(record / palette.length)));
  if (fingerprints.size < records.length) return null;
  const head =
    String(width) + encodeNumber(palette.length, 2) + palette.map((value) => encodeNumber(value, 2)).join('');
  return head + records.map((record) => encodeNumber(record, width)).join('');
}

function recordWidth(taken: number, bound: number): number {
  let width = 1;
  while (taken / RADIX ** width > bound) width++;
  return width;
}

/**
 * How often the edge takes a name that does not exist for known, by the keys of its buckets: SHA-256 falls evenly on
 * buckets and fingerprints, so it is the mean over all buckets of the part of their fingerprints that is taken.
 */
export function falseKnownRate(keys: readonly (readonly [string, string])[], bucketCount: number): number {
  const taken = keys.reduce((sum, [, value]) => {
    const width = Number(value.charAt(0));
    const paletteSize = decodeNumber(value, 1, 2);
    return sum + (value.length - 3 - 2 * paletteSize) / width / fingerprintSpace(width, paletteSize);
  }, 0);
  return taken / bucketCount;
}
