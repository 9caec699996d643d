import { createHash } from 'node:crypto';
import { bucketKey } from '../core/edge-keys.ts';
import { findInBucket, memberOf } from '../core/look-up.ts';

/** Names to look up: `made-up/<number>.tar.xz`, and every second in a folder. */
export interface KnownTask {
  readonly buckets: readonly (readonly [string, string])[];
  readonly bucketCount: number;
  readonly epoch: string;
  readonly first: number;
  readonly end: number;
}

process.once('message', (task: KnownTask) => {
  process.send?.(knownOf(task));
  process.disconnect();
});

function knownOf({ buckets, bucketCount, epoch, first, end }: KnownTask): number {
  const byKey = new Map(buckets);
  const texts = Array.from({ length: bucketCount }, (_, bucket) => byKey.get(bucketKey(epoch, bucket)) ?? null);
  let known = 0;
  for (let i = first; i < end; i++) {
    // Flat names, and names in a folder of two hex digits.
    const folder = i % 2 === 0 ? '' : `${(i % 256).toString(16).padStart(2, '0')}/`;
    const { name, slot } = memberOf(`made-up/${folder}${i}.tar.xz`);
    const digest = createHash('sha256').update(name).digest();
    const text = texts[digest.readUInt32BE(0) % bucketCount] as string | null;
    if (text !== null && findInBucket(text, digest.readUIntBE(4, 6), slot) !== null) known++;
  }
  return known;
}
