import { describe, expect, it } from 'vitest';
import { decodeObjectTable, encodeObjectTable, type ObjectTable } from './map-file.ts';
import { PackedReader, pack } from './packed.ts';

const table: ObjectTable = {
  builtAtMs: 1_800_000_000_000,
  epoch: '3',
  bucketCount: 7,
  accessPoints: [{ id: 'a.https', url: 'https://a.example/', protocol: 'https', mirrorId: 'a' }],
  classes: [[], [0], []],
  unusedSinceS: Uint32Array.of(0, 0, 1_700_000_000),
  retiredAtS: Uint32Array.of(0, 0, 1_700_007_200),
  paths: ['x', 'y'],
  classOf: Uint16Array.of(1, 0),
  dealing: { fineness: 1, tiers: [{ key: '8 0:1 ', regions: ['DE', 'FR'], https: [[[0, 1]]], http: [[]] }] },
};

/** As files were written before class ids were used again. */
function oldFile(): Buffer {
  const reader = new PackedReader(encodeObjectTable(table), 'redirector/objects', 1, 'objects.msgpack');
  const names = ['accessPoints', 'classes', 'classOf'] as const;
  const some = Object.fromEntries(names.map((name) => [name, reader.value(name)]));
  return pack('redirector/objects', 1, { builtAtMs: 1, epoch: '3', bucketCount: 7, count: 2, paths: 'x\ny', ...some });
}

describe('an object table', () => {
  it('is read as it was written', () => {
    expect(decodeObjectTable(encodeObjectTable(table), 'objects.msgpack')).toEqual(table);
  });

  it('of before counts every class as used, and knows of no dealing', () => {
    const { classes, unusedSinceS, retiredAtS, dealing } = decodeObjectTable(oldFile(), 'objects.msgpack');
    expect(classes).toEqual(table.classes);
    expect([...unusedSinceS, ...retiredAtS]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(dealing).toBeNull();
  });

  it('whose columns are not those of its classes is refused', () => {
    const bytes = encodeObjectTable({ ...table, retiredAtS: Uint32Array.of(1) });
    expect(() => decodeObjectTable(bytes, 'objects.msgpack')).toThrow(/"retiredAtS" should hold 3 elements, found 1/);
  });
});
