import { META_KEY } from './edge-keys.ts';

/**
 * What a key of the edge is (docs/formats.md). `scheme` is `s` for https, `h` for http; `zone` is the code of a region,
 * or a private network's prefix with a `*`.
 */
export type EdgeKey =
  | { readonly kind: 'holders'; readonly epoch: string; readonly scheme: string; readonly classId: number }
  | { readonly kind: 'table'; readonly epoch: string; readonly scheme: string; readonly zone: string }
  | { readonly kind: 'bucket'; readonly epoch: string }
  | { readonly kind: 'meta' };

/** Those that are pointed to come first: `meta` → bucket → class → table → holders world-wide. */
export const KINDS: readonly EdgeKey['kind'][] = ['holders', 'table', 'bucket', 'meta'];

const HOLDERS = /^c(\d)([sh])([0-9a-z]+)$/;
const TABLE = /^r(\d)([A-Z0-9-]+|[0-9a-f.]+\*)([sh])\d$/;
const BUCKET = /^(\d)[0-9a-z]+$/;

/** The counterpart of `classKey`, `tableKey` and `bucketKey` of core/edge-keys.ts; null = none of redirector's. */
export function parseEdgeKey(key: string): EdgeKey | null {
  if (key === META_KEY) return { kind: 'meta' };
  const bucket = BUCKET.exec(key);
  if (bucket !== null) return { kind: 'bucket', epoch: bucket[1] as string };
  const table = TABLE.exec(key);
  if (table !== null) {
    const [, epoch, zone, scheme] = table as unknown as [string, string, string, string];
    return { kind: 'table', epoch, scheme, zone };
  }
  const holders = HOLDERS.exec(key);
  if (holders === null) return null;
  const [, epoch, scheme, digits] = holders as unknown as [string, string, string, string];
  return { kind: 'holders', epoch, scheme, classId: Number.parseInt(digits, 36) };
}
