import { META_KEY } from '../../../core/edge-keys.ts';

export type Keys = ReadonlyMap<string, string>;

/** Bytes as the store counts them: of keys and values, nothing besides. */
export function bytesOf(pairs: Iterable<readonly [string, string]>): number {
  let bytes = 0;
  for (const [key, value] of pairs) bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  return bytes;
}

/** The digit of the epoch that `meta` names; null where there is none. */
export function epochOf(keys: Keys): string | null {
  return fieldsOf(keys)?.[1] ?? null;
}

/** As `meta` says; null where there is none. */
export function bucketCountOf(keys: Keys): number | null {
  const fields = fieldsOf(keys);
  return fields === null ? null : Number(fields[2]);
}

function fieldsOf(keys: Keys): string[] | null {
  return /^\d+ (\d) (\d+) /.exec(keys.get(META_KEY) ?? '');
}
