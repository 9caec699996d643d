import fc from 'fast-check';
import { expect, test } from 'vitest';
import { directoriesInTurn, directoryOf } from './directory.ts';

test.each([
  ['', ''],
  ['a', ''],
  ['a/b', 'a'],
  ['a/b/c', 'a/b'],
])('%j lies in %j', (path, directory) => expect(directoryOf(path)).toBe(directory));

test('in turn, each path lies where it lies alone', () => {
  const path = fc.array(fc.constantFrom('a', 'b', 'aa', '%2F'), { maxLength: 3 }).map((names) => names.join('/'));
  fc.assert(
    fc.property(fc.array(path), (paths) => {
      const inTurn = directoriesInTurn();
      for (const one of paths) expect(inTurn(one)).toBe(directoryOf(one));
    }),
  );
});
