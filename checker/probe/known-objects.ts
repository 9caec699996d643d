import { type Inventory, ObjectType } from '../../core/inventory.ts';
import type { KnownObject } from '../../core/liveness.ts';
import { LAYOUT_PATH, STAMP_PATH } from '../../core/master-files.ts';
import type { AccessPoint } from '../../core/mirror.ts';
import { type Observations, Outcome } from '../../core/observations.ts';

const WANTED = 4;
/** Neither an empty file nor an image of gigabytes, in case a server answers to GET alone. */
const MIN_BYTES = 10_000;
const MAX_BYTES = 10_000_000;
/** Names that are spelled the same in every protocol. */
const PLAIN = /^[A-Za-z0-9._/-]+$/;

/** Those of the remembered objects that the master still has in that size. */
export function stillKnown(
  known: readonly KnownObject[],
  inventory: Inventory,
  objectIdOf: (path: string) => number | undefined,
): readonly KnownObject[] {
  return known.filter(({ path, sizeBytes }) => {
    const id = objectIdOf(path);
    return id !== undefined && inventory.removedAtS[id] === 0 && inventory.sizeBytes[id] === sizeBytes;
  });
}

/** Some files that are proven to be there, mid-sized ones where there are any; spread over the tree from `phase` (0 to 1) on. */
export function knownObjects(inventory: Inventory, observations: Observations, phase: number): readonly KnownObject[] {
  const fit: number[] = [];
  const small: number[] = [];
  for (let id = 0; id < inventory.paths.length; id++) {
    if (observations.outcome[id] !== Outcome.present || inventory.types[id] !== ObjectType.file) continue;
    const sizeBytes = inventory.sizeBytes[id] as number;
    if (inventory.removedAtS[id] !== 0 || observations.sizeBytes[id] !== sizeBytes) continue;
    const path = inventory.paths.at(id) as string;
    if (!PLAIN.test(path) || path === LAYOUT_PATH || path === STAMP_PATH) continue;
    if (sizeBytes >= MIN_BYTES && sizeBytes <= MAX_BYTES) fit.push(id);
    else if (sizeBytes > 0 && sizeBytes < MIN_BYTES) small.push(id);
  }
  const ids = fit.length > 0 ? fit : small;
  const count = Math.min(WANTED, ids.length);
  return Array.from({ length: count }, (_, i) => {
    const id = ids[Math.floor((i + phase) * (ids.length / count)) % ids.length] as number;
    return { path: inventory.paths.at(id) as string, sizeBytes: inventory.sizeBytes[id] as number };
  });
}

/** What every mirror of the distfiles has, for those that were not checked yet; null where even that proves nothing. */
export function presumedObject(
  { partial }: AccessPoint,
  inventory: Inventory,
  objectIdOf: (path: string) => number | undefined,
): KnownObject | null {
  const id = objectIdOf(LAYOUT_PATH);
  if (partial || id === undefined || inventory.removedAtS[id] !== 0) return null;
  return { path: LAYOUT_PATH, sizeBytes: inventory.sizeBytes[id] as number };
}
