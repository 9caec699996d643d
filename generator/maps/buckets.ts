import { createHash } from 'node:crypto';
import { bucketKey, encodeNumber, fingerprintSpace, RADIX } from '../../core/edge-keys.ts';

/** A path the edge can look up. */
export interface Entry {
  /** Of SHA-256 of the path: the first 4 bytes, and the next 6. */
  readonly bucketHash: number;
  readonly fingerprint: number;
  /** Twice the presence class, plus 1 where the edge has to add a directory's slash. */
  readonly value: number;
}

export interface Buckets {
  readonly bucketCount: number;
  /** Key and value, by bucket. Empty buckets have none. */
  readonly keys: readonly (readonly [string, string])[];
}

/** CloudFront KeyValueStore: the largest value, in bytes. */
export const MAX_VALUE_BYTES = 1024;
/** So full is a bucket on average: the spread (a Poisson's) and a year's new objects have room. */
const MEAN_ENTRIES = 140;
/** For every unknown path so many entries of a bucket may be mistaken for it. */
const FALSE_KNOWN_BOUND = 1e-6;

export function entryOf(path: string, value: number): Entry {
  const digest = createHash('sha256').update(path).digest();
  return { bucketHash: digest.readUInt32BE(0), fingerprint: digest.readUIntBE(4, 6), value };
}

/** The number of buckets to begin an epoch with. */
export function bucketCountFor(entryCount: number): number {
  return Math.max(1, Math.ceil(entryCount / MEAN_ENTRIES));
}

/** Packs the entries, or null where a bucket overflows or two paths of different values have one fingerprint. */
export function packBuckets(entries: readonly Entry[], bucketCount: number, epoch: string): Buckets | null {
  const buckets = Array.from({ length: bucketCount }, (): Entry[] => []);
  for (const entry of entries) (buckets[entry.bucketHash % bucketCount] as Entry[]).push(entry);
  const keys: [string, string][] = [];
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    const members = buckets[bucket] as Entry[];
    if (members.length === 0) continue;
    const value = packBucket(members);
    if (value === null || value.length > MAX_VALUE_BYTES) return null;
    keys.push([bucketKey(epoch, bucket), value]);
  }
  return { bucketCount, keys };
}

/** `<record width><palette size, 2 digits><palette, 2 digits each><records, sorted>`; edge-shim/decide.ts reads it. */
function packBucket(members: readonly Entry[]): string | null {
  const palette = [...new Set(members.map((member) => member.value))].sort((a, b) => a - b);
  const index = new Map(palette.map((value, i) => [value, i]));
  const width = recordWidth(members.length, palette.length);
  const space = fingerprintSpace(width, palette.length);
  const records = members
    .map((member) => (member.fingerprint % space) * palette.length + (index.get(member.value) as number))
    .sort((a, b) => a - b);
  const collides = records.some(
    (record, i) =>
      i > 0 && Math.floor(record / palette.length) === Math.floor((records[i - 1] as number) / palette.length),
  );
  if (collides) return null;
  const head =
    String(width) + encodeNumber(palette.length, 2) + palette.map((value) => encodeNumber(value, 2)).join('');
  return head + records.map((record) => encodeNumber(record, width)).join('');
}

function recordWidth(entryCount: number, paletteSize: number): number {
  let width = 1;
  while ((entryCount * paletteSize) / RADIX ** width > FALSE_KNOWN_BOUND) width++;
  return width;
}
