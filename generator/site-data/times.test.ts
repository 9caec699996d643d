import fc from 'fast-check';
import { expect, it } from 'vitest';
import { timeSpread } from './times.ts';

it.each([
  ['seconds apart', 1_790_000_000, 1_790_000_100],
  ['months apart', 1_780_000_000, 1_790_000_000],
  ['as far apart as numbers go', 0, 2 ** 32 - 1],
])('finds the ends and the middle of times that lie %s, as sorting does', (_, min, max) => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.integer({ min, max }), fc.constant(0)), { maxLength: 60 }), (times) => {
      const column = Uint32Array.from([7, ...times]);
      const ids = Int32Array.from(times, (_, i) => i + 1);
      const sorted = times.filter((time) => time !== 0).sort((a, b) => a - b);
      const expected =
        sorted.length === 0
          ? null
          : { oldestS: sorted[0], medianS: sorted[(sorted.length - 1) >> 1], newestS: sorted.at(-1) };
      expect(timeSpread(column, ids)).toEqual(expected);
    }),
  );
});
