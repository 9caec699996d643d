import { renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keep } from '../../test/keep.ts';
import { tempFolder } from '../../test/temp-folder.ts';
import { encodeInventory, INVENTORY_FORMAT } from '../formats/inventory-file.ts';
import { columnBytes, pack } from '../formats/packed.ts';
import type { LoadedInventory } from '../inventory.ts';
import { outputLayout } from '../output-layout.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { openInventory } from './leader-files.ts';
import { OpenedInventory } from './opened-inventory.ts';

function inventoryOf(paths: readonly string[]): LoadedInventory {
  const count = paths.length;
  return {
    takenAtMs: 1_795_000_000_123,
    paths,
    types: Uint8Array.from(paths, (_, i) => i % 3),
    sizeBytes: Float64Array.from(paths, (_, i) => i * 1e10 - 1),
    mtimeS: Float64Array.from(paths, (_, i) => i + 0.5),
    targets: paths.map((path, i) => (i % 3 === 1 ? `to/${path}` : '')),
    leadsTo: Int32Array.from(paths, (_, i) => count - 1 - i),
    firstSeenS: new Uint32Array(count).fill(7),
    removedAtS: new Uint32Array(count),
  };
}

function written(bytes: Uint8Array): string {
  const file = join(keep(tempFolder()).path, 'inventory.msgpack');
  writeFileSync(file, bytes);
  return file;
}

function opened(file: string): OpenedInventory {
  const inventory = OpenedInventory.open(file) as OpenedInventory;
  keep(inventory);
  return inventory;
}

describe('an inventory on the disk', () => {
  test('is the one that was written, whatever of it is asked for first', () => {
    const file = written(Buffer.alloc(0));
    const name = fc.oneof(
      fc.string().map((text) => text.replaceAll('\n', '')),
      fc.constant('ü'.repeat(300)),
    );
    fc.assert(
      fc.property(fc.array(name, { maxLength: 300 }), fc.array(fc.nat(310)), (paths, asked) => {
        const inventory = inventoryOf(paths);
        writeFileSync(file, encodeInventory(inventory));
        const found = OpenedInventory.open(file) as OpenedInventory;
        for (const id of asked) {
          expect([found.paths.at(id), found.targets.at(id)]).toEqual([paths[id], inventory.targets[id]]);
        }
        const { paths: lines, targets, ...columns } = inventory;
        for (const [key, column] of Object.entries(columns)) expect(found[key as 'types']).toEqual(column);
        expect([lines.length, found.paths.at(-1), targets.length]).toEqual([
          found.paths.length,
          undefined,
          paths.length,
        ]);
        found.close();
      }),
      { numRuns: 60 },
    );
  });

  test('of so many lines that not all are kept in memory is read again where it must be', () => {
    const paths = Array.from({ length: 300_000 }, (_, i) => `distfiles/${i % 256}/package-${i}.tar.xz`);
    const { paths: found } = opened(written(encodeInventory(inventoryOf(paths))));
    for (let i = 0; i < 2000; i++) {
      const id = (i * 149_993) % paths.length;
      if (found.at(id) !== paths[id]) expect(found.at(id)).toBe(paths[id]);
    }
    expect(paths.findIndex((path, id) => found.at(id) !== path)).toBe(-1);
  });

  test('stays what it was, though another one takes its place', () => {
    const file = written(encodeInventory(inventoryOf(['a', 'b'])));
    const inventory = opened(file);
    renameSync(written(encodeInventory(inventoryOf(['c', 'd', 'e']))), file);
    expect([inventory.paths.at(1), inventory.paths.length, opened(file).paths.at(2)]).toEqual(['b', 2, 'e']);
  });

  test('of a release that told nothing of blocks is read as a whole', () => {
    const { paths, targets, takenAtMs, ...columns } = inventoryOf(['a', 'b']);
    const bytes = pack(INVENTORY_FORMAT, 1, {
      ...{ count: 2, takenAtMs, paths: paths.join('\n'), targets: targets.join('\n') },
      ...Object.fromEntries(Object.entries(columns).map(([key, column]) => [key, columnBytes(column as Uint8Array)])),
    });
    expect(OpenedInventory.open(written(bytes))).toBeNull();
    const output = keep(tempFolder()).path;
    expect(() => openInventory(output)).toThrow(/not there yet; run "redirector inventory" first/);
    writeFileAtomic(outputLayout.inventory(output), bytes);
    const { inventory } = keep(openInventory(output));
    expect([inventory.paths, inventory.targets]).toEqual([paths, targets]);
  });

  test('is no inventory where it was cut, or lengthened, or is something else', () => {
    const bytes = encodeInventory(inventoryOf(Array.from({ length: 200 }, (_, i) => `p${i}`)));
    for (let length = 0; length < bytes.length; length += 97) {
      const file = written(bytes);
      truncateSync(file, length);
      expect(() => OpenedInventory.open(file)).toThrow(`${file}: not a whole msgpack file; put it back `);
    }
    expect(() => opened(written(Buffer.concat([bytes, Buffer.of(0)])))).toThrow('not a whole msgpack file');
    expect(() => opened(written(pack('redirector/objects', 1, {})))).toThrow('not a redirector/inventory file');
    expect(() => opened(written(pack(INVENTORY_FORMAT, 9, {})))).toThrow('version 9');
  });

  test('never answers a wrong line, whatever bytes are changed', () => {
    const paths = Array.from({ length: 150 }, (_, i) => `distfiles/${i}`);
    const bytes = encodeInventory(inventoryOf(paths));
    const file = written(bytes);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        writeFileSync(file, changed);
        let inventory: OpenedInventory | null = null;
        try {
          inventory = OpenedInventory.open(file);
          const lines = Array.from({ length: inventory?.paths.length ?? 0 }, (_, id) => inventory?.paths.at(id));
          // A byte of a name itself may be another: what must hold is that lines are lines.
          for (const line of lines) expect(line).not.toMatch(/\n/);
        } catch (error) {
          expect((error as Error).message).toMatch(/is to be checked anew$|nothing was changed$/);
        } finally {
          inventory?.close();
        }
      }),
      { numRuns: 1000 },
    );
  });
});
