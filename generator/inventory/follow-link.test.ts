import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { ObjectType } from '../../core/inventory.ts';
import { silentProgress } from '../../core/progress.ts';
import type { TreeEntry } from './entry.ts';
import { followLink } from './follow-link.ts';
import { readDirectory } from './read-directory.ts';

const directory = (path: string): TreeEntry => {
  return { path, type: ObjectType.directory, sizeBytes: -1, mtimeS: 0, target: '' };
};
const file = (path: string): TreeEntry => ({ path, type: ObjectType.file, sizeBytes: 1, mtimeS: 0, target: '' });
const link = (path: string, target: string): TreeEntry => {
  return { path, type: ObjectType.symlink, sizeBytes: -1, mtimeS: 0, target };
};

function follow(path: string, ...entries: TreeEntry[]): string {
  const tree = new Map([directory(''), ...entries].map((entry) => [entry.path, entry]));
  const end = followLink(tree, tree.get(path) as TreeEntry);
  return typeof end === 'string' ? end : `= ${end.path}`;
}

test.each([
  ['a file beside it', '= f', [link('l', 'f'), file('f')]],
  ['a chain', '= f', [link('l', 'm'), link('m', 'f'), file('f')]],
  ['the root', '= ', [link('l', '.')]],
  ['a directory, with a slash', '= d', [link('l', 'd/'), directory('d')]],
  ['through a linked directory', '= d/f', [link('l', 'm/f'), link('m', 'd'), directory('d'), file('d/f')]],
  // ".." starts where the linked directory really lies.
  ['.. behind a link', '= d/f', [link('l', 'm/../f'), link('m', 'd/e'), directory('d'), directory('d/e'), file('d/f')]],
  ['an absolute target', 'lead out of the tree', [link('l', '/f'), file('f')]],
  ['above the root, even if it comes back', 'lead out of the tree', [link('l', '../tree/f'), file('f')]],
  ['out by a second link', 'lead out of the tree', [link('l', 'm/f'), link('m', '..')]],
  ['itself', 'lead in a circle', [link('l', 'l')]],
  ['a circle of two', 'lead in a circle', [link('l', 'm'), link('m', './l')]],
  ['a missing name', 'lead to nothing', [link('l', 'none')]],
  ['beneath a file', 'lead to nothing', [link('l', 'f/x'), file('f')]],
  ['a file with a slash', 'lead to nothing', [link('l', 'f/'), file('f')]],
] as const)('a link to %s', (_, end, entries) => {
  expect(follow('l', ...entries)).toBe(end);
});

test.each([
  [40, '= f'],
  [41, 'lead in a circle'],
])('a chain of %i links', (hops, end) => {
  const chain = Array.from({ length: hops }, (_, i) => link(`l${i}`, i + 1 === hops ? 'f' : `l${i + 1}`));
  expect(follow('l0', file('f'), ...chain)).toBe(end);
});

const segment = fc.constantFrom('a', 'b', 'c', '..', '.', '');
const target = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/') || '.');
const planted = fc.array(
  fc.record({
    parent: fc.nat(5),
    name: fc.constantFrom('a', 'b', 'c'),
    kind: fc.constantFrom('d', 'f', 'l', 'l'),
    target,
  }),
  { minLength: 1, maxLength: 14 },
);

test('agrees with the system on any tree', async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'links-')));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const task = silentProgress.start('', 0, '');
  let followed = 0;
  let serial = 0;
  const property = fc.asyncProperty(planted, async (entries) => {
    // A level of its own, so that what leaves the tree finds nothing there.
    const root = join(folder, String(serial++), 'root');
    mkdirSync(root, { recursive: true });
    const parents = [root];
    for (const { parent, name, kind, target } of entries) {
      const path = join(parents[parent % parents.length] as string, name);
      try {
        if (kind === 'l') symlinkSync(target, path);
        else if (kind === 'f') writeFileSync(path, '', { flag: 'wx' });
        else {
          mkdirSync(path);
          parents.push(path);
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
    const read = await readDirectory(root, task, new AbortController().signal);
    const tree = new Map(read.entries.map((entry) => [entry.path, entry]));
    for (const entry of read.entries.filter(({ type }) => type === ObjectType.symlink)) {
      const end = followLink(tree, entry);
      if (end === 'lead out of the tree') continue;
      followed++;
      expect(typeof end === 'string' ? end : end.path).toBe(systemsAnswer(root, entry.path));
    }
  });
  await fc.assert(property, { numRuns: 300 });
  expect(followed).toBeGreaterThan(100);
});

function systemsAnswer(root: string, path: string): string {
  try {
    return relative(root, realpathSync.native(join(root, path)));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ELOOP' ? 'lead in a circle' : 'lead to nothing';
  }
}
