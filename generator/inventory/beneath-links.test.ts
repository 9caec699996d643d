import { expect, test } from 'vitest';
import { ObjectType } from '../../core/inventory.ts';
import { relativeTarget } from './beneath-links.ts';
import type { TreeEntry } from './entry.ts';
import { resolveTree } from './resolve-tree.ts';

const directory = (path: string): TreeEntry => {
  return { path, type: ObjectType.directory, sizeBytes: -1, mtimeS: 1, target: '' };
};
const file = (path: string): TreeEntry => ({ path, type: ObjectType.file, sizeBytes: 5, mtimeS: 2, target: '' });
const link = (path: string, target: string): TreeEntry => {
  return { path, type: ObjectType.symlink, sizeBytes: -1, mtimeS: 3, target };
};

function resolved(entries: TreeEntry[], maxBeneathLinks?: number) {
  return resolveTree(new Map([directory(''), ...entries].map((entry) => [entry.path, entry])), maxBeneathLinks);
}

test('only what lies beneath the directory itself is seen through the link, not its neighbours', () => {
  const { entries } = resolved([directory('a'), file('a/x'), file('a-b'), file('a.b'), file('a0'), link('l', 'a')]);
  expect(entries.filter(({ path }) => path.startsWith('l'))).toEqual([
    { path: 'l', type: ObjectType.symlink, sizeBytes: -1, mtimeS: 3, target: 'a', leadsTo: 'a' },
    { path: 'l/x', type: ObjectType.symlink, sizeBytes: 5, mtimeS: 2, target: '../a/x', leadsTo: 'a/x' },
  ]);
});

test('a link to the root shows all once, and ends there', () => {
  const { entries } = resolved([directory('d'), file('d/x'), link('self', '.')]);
  expect(entries.map(({ path }) => path)).toEqual(['', 'd', 'd/x', 'self', 'self/d', 'self/d/x', 'self/self']);
  expect(entries.at(-1)).toMatchObject({ target: '../self', leadsTo: '', sizeBytes: -1 });
});

test('a chain of links to a directory is seen through at each of its links', () => {
  const { entries } = resolved([directory('d'), file('d/x'), link('l', 'm'), link('m', 'd')]);
  expect(entries.map(({ path }) => path)).toEqual(['', 'd', 'd/x', 'l', 'l/x', 'm', 'm/x']);
});

test('a link without an end is not seen through another', () => {
  const { entries } = resolved([directory('d'), link('d/dead', 'none'), link('l', 'd')]);
  expect(entries.map(({ path }) => path)).toEqual(['', 'd', 'l']);
});

test('a link with more beneath it than the bound leaves is named and shows nothing; smaller ones still do', () => {
  const big = [directory('big'), file('big/1'), file('big/2'), file('big/3')];
  const tree = [...big, directory('small'), file('small/1'), link('l', 'big'), link('m', 'small')];
  const { entries, notes } = resolved(tree, 2);
  expect(entries.map(({ path }) => path).filter((path) => /^[lm]/.test(path))).toEqual(['l', 'm', 'm/1']);
  expect(notes).toEqual(['nothing is listed beneath "l": with its 3 objects there would be more than 2']);
});

test.each([
  ['l/x', 'd/x', '../d/x'],
  ['a/l/x', 'a/d/x', '../d/x'],
  ['a/l/s/x', 'a/d/s/x', '../../d/s/x'],
  ['a/d/up/d', 'a/d', '../../d'],
  ['l', 'd/x', 'd/x'],
])('the target of %s for %s is %s', (from, to, target) => {
  expect(relativeTarget(from, to)).toBe(target);
});
