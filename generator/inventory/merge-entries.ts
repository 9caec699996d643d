import { type LoadedInventory, ObjectType } from '../../core/inventory.ts';
import type { ObjectPath } from '../../core/path.ts';
import type { ResolvedEntry } from './entry.ts';

/** Counts of objects, against the inventory before. One that came back counts as added. */
export interface InventoryChanges {
  readonly added: number;
  readonly removed: number;
  /** Type, size, target or end of the chain differ, or the mtime of anything but a directory. */
  readonly changed: number;
  readonly unchanged: number;
}

type Columns = { -readonly [K in keyof LoadedInventory]: LoadedInventory[K] } & {
  paths: ObjectPath[];
  targets: string[];
};

/**
 * The inventory after this reading of the tree. Known objects keep their ids; new ones get the next ids in the order
 * of `entries`, which is to be by path; one that vanished keeps its row with the time it was missed first, and one
 * that comes back keeps its id and when it was first seen. `entries` hold no path twice, and every `leadsTo` is the
 * path of one of them. `previous` is not changed.
 */
export function mergeEntries(
  previous: LoadedInventory | null,
  entries: readonly ResolvedEntry[],
  nowMs: number,
): { inventory: LoadedInventory; changes: InventoryChanges } {
  const nowS = Math.floor(nowMs / 1000);
  const idOf = new Map<ObjectPath, number>(previous?.paths.map((path, id) => [path, id]));
  const knownCount = idOf.size;
  for (const { path } of entries) if (!idOf.has(path)) idOf.set(path, idOf.size);
  const columns = grownColumns(previous, idOf, nowMs);
  const seen = new Uint8Array(idOf.size);
  const counts = { added: 0, removed: 0, changed: 0, unchanged: 0 };
  for (const entry of entries) {
    const id = idOf.get(entry.path) as number;
    const leadsTo = idOf.get(entry.leadsTo) as number;
    seen[id] = 1;
    if (id >= knownCount) columns.firstSeenS[id] = nowS;
    if (id >= knownCount || columns.removedAtS[id] !== 0) counts.added++;
    else if (differs(columns, id, entry, leadsTo)) counts.changed++;
    else counts.unchanged++;
    writeRow(columns, id, entry, leadsTo);
  }
  for (let id = 0; id < knownCount; id++) {
    if (seen[id] === 1 || columns.removedAtS[id] !== 0) continue;
    columns.removedAtS[id] = nowS;
    counts.removed++;
  }
  return { inventory: columns, changes: counts };
}

function differs(columns: Columns, id: number, entry: ResolvedEntry, leadsTo: number): boolean {
  return (
    columns.types[id] !== entry.type ||
    columns.sizeBytes[id] !== entry.sizeBytes ||
    columns.targets[id] !== entry.target ||
    columns.leadsTo[id] !== leadsTo ||
    // A directory's mtime changes with its entries, which are counted themselves.
    (entry.type !== ObjectType.directory && columns.mtimeS[id] !== entry.mtimeS)
  );
}

function writeRow(columns: Columns, id: number, entry: ResolvedEntry, leadsTo: number): void {
  columns.types[id] = entry.type;
  columns.sizeBytes[id] = entry.sizeBytes;
  columns.mtimeS[id] = entry.mtimeS;
  columns.targets[id] = entry.target;
  columns.leadsTo[id] = leadsTo;
  columns.removedAtS[id] = 0;
}

/** Copies of the columns, as long as `idOf`, whose order is that of the ids. */
function grownColumns(
  previous: LoadedInventory | null,
  idOf: ReadonlyMap<ObjectPath, number>,
  takenAtMs: number,
): Columns {
  const count = idOf.size;
  const columns: Columns = {
    takenAtMs,
    paths: [...idOf.keys()],
    types: new Uint8Array(count),
    sizeBytes: new Float64Array(count),
    mtimeS: new Float64Array(count),
    targets: new Array<string>(count).fill(''),
    leadsTo: new Int32Array(count),
    firstSeenS: new Uint32Array(count),
    removedAtS: new Uint32Array(count),
  };
  if (previous === null) return columns;
  columns.types.set(previous.types);
  columns.sizeBytes.set(previous.sizeBytes);
  columns.mtimeS.set(previous.mtimeS);
  for (let id = 0; id < previous.targets.length; id++) columns.targets[id] = previous.targets[id] as string;
  columns.leadsTo.set(previous.leadsTo);
  columns.firstSeenS.set(previous.firstSeenS);
  columns.removedAtS.set(previous.removedAtS);
  return columns;
}
