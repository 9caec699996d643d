import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RunError } from '../errors.ts';
import type { Observations } from '../observations.ts';
import { decodeObservations, emptyObservations, encodeObservations } from './observations-file.ts';
import { columnBytes, pack, packPieces } from './packed.ts';

const FORMAT = 'redirector/observations';
const FILE = 'm.http.msgpack';

function observationsOf(count: number): Observations {
  const observations = emptyObservations('m.http', 'http://m/', count, 100);
  observations.failures.push('no answer');
  for (let id = 0; id < count; id += 3) {
    observations.outcome[id] = 1 + (id % 3);
    observations.sizeBytes[id] = id * 1e9;
    observations.evidenceAtS[id] = 4_000_000_000;
    observations.ownCheckAtS[id] = id;
  }
  return observations;
}

/** As releases wrote it whose files were compressed as a whole. */
function whole(observations: Observations): Buffer {
  const fields = Object.entries(observations).map(([key, value]) => [
    key,
    ArrayBuffer.isView(value) ? columnBytes(value as Uint8Array) : value,
  ]);
  const { length: count } = observations.outcome;
  return gzipSync(pack(FORMAT, 1, { count, ...Object.fromEntries(fields) }));
}

describe('a file of observations', () => {
  test('comes back as it was written, and as long as the inventory is by now', () => {
    for (const count of [0, 1, 65_535, 65_536, 65_537, 140_000]) {
      const observations = observationsOf(count);
      expect(decodeObservations(encodeObservations(observations), count, FILE)).toEqual(observations);
      const longer = decodeObservations(encodeObservations(observations), count + 2, FILE);
      expect([longer.outcome.length, longer.outcome.at(-1), longer.sizeBytes.at(-1)]).toEqual([count + 2, 0, -1]);
    }
  });

  test('of the version before is read', () => {
    const observations = observationsOf(1000);
    expect(decodeObservations(whole(observations), 1000, FILE)).toEqual(observations);
  });

  test('that claims another number of objects, or unpacks to more, is none', () => {
    const observations = observationsOf(1000);
    expect(() => decodeObservations(encodeObservations(observations), 999, FILE)).toThrow(
      'belongs to another inventory',
    );
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
    for (const outcome of [[bomb], [gzipSync(Buffer.alloc(999))], [], [bomb, bomb], [7], 'x', Buffer.from('x')]) {
      const { outcome: _, ...others } = observations;
      const bytes = Buffer.concat([...packPieces(FORMAT, 2, { count: 1000, ...others, outcome })]);
      expect(() => decodeObservations(bytes, 1000, FILE)).toThrow(`${FILE}: "outcome" should hold 1000 elements`);
    }
  });

  test('of a newer release is none to begin anew: what it knows would be lost', () => {
    const newer = Buffer.concat([...packPieces(FORMAT, 3, { count: 1000 })]);
    expect(() => decodeObservations(newer, 1000, FILE)).toThrow(RunError);
    expect(() => decodeObservations(newer, 1000, FILE)).toThrow(
      'version 3 of redirector/observations, which a newer release wrote',
    );
  });

  test('is whole or none, wherever it is cut', () => {
    const bytes = encodeObservations(observationsOf(70_000));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (length) => {
        expect(() => decodeObservations(bytes.subarray(0, length), 70_000, FILE)).toThrow(/again$/);
      }),
    );
  });
});
