import { expect, test } from 'vitest';
import { directoriesFor } from './directories-for.ts';
import { type TestObject, testInventory } from './testing/inventory.ts';

const OBJECTS: readonly TestObject[] = [
  { path: '' },
  { path: 'a' },
  { path: 'a/b' },
  { path: 'a/b/f', sizeBytes: 1 },
  { path: 'a-b' },
  { path: 'a-b/link', target: '../a/b/f', leadsTo: 'a/b/f' },
  { path: 'current', target: 'a', leadsTo: 'a' },
  { path: 'current/b', target: 'a/b', leadsTo: 'a/b' },
  { path: 'current/b/f', target: '', leadsTo: 'a/b/f' },
];

function directories(...asked: string[]): string[] {
  const inventory = testInventory(OBJECTS);
  const idOf = (path: string) => inventory.paths.indexOf(path);
  const objectIdOf = (path: string) => (idOf(path) < 0 ? undefined : idOf(path));
  return directoriesFor(inventory, objectIdOf, Int32Array.from(asked, idOf));
}

test('what an object lies in and all above it, parents first', () => {
  expect(directories('a/b/f')).toEqual(['', 'a', 'a/b']);
  expect(directories('')).toEqual(['']);
  expect(directories(...OBJECTS.map(({ path }) => path))).toEqual(['', 'a', 'a-b', 'a/b']);
});

test('what a link leads to, also beneath links; a link itself is no directory to list', () => {
  expect(directories('a-b/link')).toEqual(['', 'a', 'a-b', 'a/b']);
  expect(directories('current/b/f')).toEqual(['', 'a', 'a/b']);
  expect(directories('current')).toEqual(['']);
});
