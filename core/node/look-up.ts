import { createHash } from 'node:crypto';
import { bucketKey } from '../edge-keys.ts';
import { type Found, findInBucket, memberOf } from '../look-up.ts';

/** What the keys of a build tell of a canonical path, as the edge reads them; null = they do not know it. */
export function lookUp(
  keys: ReadonlyMap<string, string>,
  { epoch, bucketCount }: { readonly epoch: string; readonly bucketCount: number },
  path: string,
): Found | null {
  const { name, slot } = memberOf(path);
  const digest = createHash('sha256').update(name).digest();
  const bucket = keys.get(bucketKey(epoch, digest.readUInt32BE(0) % bucketCount));
  return bucket === undefined ? null : findInBucket(bucket, digest.readUIntBE(4, 6), slot);
}
