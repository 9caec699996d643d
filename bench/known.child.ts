import { createHash } from 'node:crypto';
import { bucketKey } from '../core/edge-keys.ts';
import { findInBucket } from '../edge-shim/decide.ts';

/** Names to look up: `made-up/<number>`. */
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
    const digest = createHash('sha256').update(`made-up/${i}.tar.xz`).digest();
    const text = texts[digest.readUInt32BE(0) % bucketCount] as string | null;
    if (text !== null && findInBucket(text, digest.readUIntBE(4, 6)) >= 0) known++;
  }
  return known;
}
