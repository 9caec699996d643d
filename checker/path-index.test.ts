import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pathIndex } from './path-index.ts';

test('every path has its place, and no other has one', () => {
  const path = fc.string({ maxLength: 4 });
  fc.assert(
    fc.property(fc.uniqueArray(path, { maxLength: 60 }), fc.array(path), (paths, others) => {
      const idOf = pathIndex(paths);
      expect(paths.map(idOf)).toEqual(paths.map((_, id) => id));
      const known = new Set(paths);
      for (const other of others) if (!known.has(other)) expect(idOf(other)).toBeUndefined();
    }),
  );
});

test('a hundred thousand names that differ in a digit are all told apart', () => {
  const paths = Array.from({ length: 100_000 }, (_, i) => `distfiles/package-${i}.tar.xz`);
  const idOf = pathIndex(paths);
  expect(paths.findIndex((path, id) => idOf(path) !== id)).toBe(-1);
  expect(idOf('distfiles/package-100000.tar.xz')).toBeUndefined();
});
