import type { LoadedInventory } from '../inventory.ts';
import { blockStarts } from '../lines.ts';
import { columnBytes, PackedReader, pack } from './packed.ts';

export const INVENTORY_FORMAT = 'redirector/inventory';
export const INVENTORY_VERSION = 1;
/** Nothing makes it again as it was: observations are columns over its ids. */
export const INVENTORY_WAY_OUT =
  'put it back from a backup, or with "redirector state pull inventory" where there is a store; or, to begin anew, remove it, observations and maps/objects.msgpack: then every object gets a new id, what was removed is forgotten, and all is to be checked anew';

/** `output/inventory/inventory.msgpack` (docs/formats.md). */
export function encodeInventory(inventory: LoadedInventory): Buffer {
  return pack(INVENTORY_FORMAT, INVENTORY_VERSION, {
    count: inventory.paths.length,
    takenAtMs: inventory.takenAtMs,
    paths: inventory.paths.join('\n'),
    types: columnBytes(inventory.types),
    sizeBytes: columnBytes(inventory.sizeBytes),
    mtimeS: columnBytes(inventory.mtimeS),
    targets: inventory.targets.join('\n'),
    leadsTo: columnBytes(inventory.leadsTo),
    firstSeenS: columnBytes(inventory.firstSeenS),
    removedAtS: columnBytes(inventory.removedAtS),
    pathStarts: columnBytes(blockStarts(inventory.paths)),
    targetStarts: columnBytes(blockStarts(inventory.targets)),
  });
}

/** Throws FormatError where the bytes are not a whole inventory; `file` is named in its message. */
export function decodeInventory(bytes: Uint8Array, file: string): LoadedInventory {
  const reader = new PackedReader(bytes, INVENTORY_FORMAT, INVENTORY_VERSION, file, INVENTORY_WAY_OUT);
  const count = reader.number('count');
  return {
    takenAtMs: reader.number('takenAtMs'),
    paths: reader.lines('paths', count),
    types: reader.column('types', Uint8Array, count),
    sizeBytes: reader.column('sizeBytes', Float64Array, count),
    mtimeS: reader.column('mtimeS', Float64Array, count),
    targets: reader.lines('targets', count),
    leadsTo: reader.column('leadsTo', Int32Array, count),
    firstSeenS: reader.column('firstSeenS', Uint32Array, count),
    removedAtS: reader.column('removedAtS', Uint32Array, count),
  };
}
