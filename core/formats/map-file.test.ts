import { describe, expect, it } from 'vitest';
import { decodeObjectTable, encodeObjectTable, type ObjectTable } from './map-file.ts';
import { columnBytes, packCompressed } from './packed.ts';

const table: ObjectTable = {
  builtAtMs: 5,
  epoch: '3',
  bucketCount: 7,
  accessPoints: [{ id: 'a.https', url: 'https://a/', protocol: 'https', mirrorId: 'a' }],
  classes: [[], [0]],
  paths: ['', 'distfiles'],
  classOf: Uint16Array.of(1, 1),
  dealing: { fineness: 1, tiers: [{ key: '8 0:1 ', regions: ['DE', 'FR'], https: [[[0, 1]]], http: [[]] }] },
};

describe('an object table', () => {
  it('is read as it was written, with how viewers were dealt', () => {
    expect(decodeObjectTable(encodeObjectTable(table), 'x')).toEqual(table);
    expect(decodeObjectTable(encodeObjectTable({ ...table, dealing: null }), 'x').dealing).toBeNull();
  });

  it('of before that was kept is read too', () => {
    const { dealing: _, paths, classOf, ...rest } = table;
    const body = { ...rest, count: 2, paths: paths.join('\n'), classOf: columnBytes(classOf) };
    const bytes = packCompressed('redirector/objects', 1, body);
    expect(decodeObjectTable(bytes, 'x')).toEqual({ ...table, dealing: null });
  });
});
