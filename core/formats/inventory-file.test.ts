import { expect, test } from 'vitest';
import { type LoadedInventory, ObjectType } from '../inventory.ts';
import { decodeInventory, encodeInventory } from './inventory-file.ts';

test('an inventory comes back as it was written, column by column', () => {
  const inventory: LoadedInventory = {
    takenAtMs: 1_790_000_000_123,
    paths: ['', 'a', 'a/%0A%FF', 'b'],
    types: Uint8Array.of(ObjectType.directory, ObjectType.directory, ObjectType.file, ObjectType.symlink),
    sizeBytes: Float64Array.of(-1, -1, 2 ** 40, 2 ** 40),
    mtimeS: Float64Array.of(0, 1, -5, 4e9),
    targets: ['', '', '', 'a/%0A%FF'],
    leadsTo: Int32Array.of(0, 1, 2, 2),
    firstSeenS: Uint32Array.of(1, 2, 3, 4),
    removedAtS: Uint32Array.of(0, 0, 4_000_000_000, 0),
  };
  expect(decodeInventory(encodeInventory(inventory), 'x')).toEqual(inventory);
});
