import { lstatSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ObjectType } from '../core/inventory.ts';
import { Outcome } from '../core/observations.ts';
import { pathFromBytes, pathToBytes } from '../core/path-bytes.ts';
import { onDisk } from '../demo/link-tree.ts';
import { type PlantedTree, plantTree } from '../demo/tree.ts';
import { makeSubsets, type Subset, type Subsets } from './subset.ts';

let folder: string;
let tree: PlantedTree;
let made: Subsets;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'redirector-subset-'));
  tree = plantTree(join(folder, 'tree'), { objects: 900, seed: 5 });
  made = await makeSubsets(tree.folder, join(folder, 'out'), [
    { name: 'whole' },
    { name: 'half', isMissing: (file) => file.sizeBytes % 2 === 0 },
    { name: 'longer', otherSizeBytes: (file) => (file.sizeBytes % 3 === 0 ? file.sizeBytes + 1 : null) },
  ]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a web server would find at the path in a root. */
function found(root: Subset, path: string, sizeBytes: number): number {
  const seen = statSync(onDisk(root.folder, pathToBytes(path).toString('latin1')), { throwIfNoEntry: false });
  if (seen === undefined) return Outcome.absent;
  return seen.isDirectory() || seen.size === sizeBytes ? Outcome.present : Outcome.different;
}

describe('makeSubsets', () => {
  it('finds the objects of the tree with the sizes that a viewer receives', () => {
    const seen = made.objects.map(({ path, type, sizeBytes }) => `${path} ${type} ${sizeBytes}`);
    const planted = tree.objects.map(({ path, type, sizeBytes }) => `${pathFromBytes(path)} ${type} ${sizeBytes}`);
    // A leader leaves the temporary file out; here it is a file like others.
    const extra = seen.filter((line) => line.includes('_mirrordist_hardlink_'));
    expect(seen.filter((line) => !extra.includes(line)).sort()).toEqual(planted.sort());
  });

  it('tells of every object in every root what lies there', () => {
    for (const subset of made.subsets) {
      const told = made.objects.map(({ path }, i) => `${path} ${subset.outcomes[i]}`);
      const seen = made.objects.map(({ path, sizeBytes }) => `${path} ${found(subset, path, sizeBytes)}`);
      expect(seen, subset.name).toEqual(told);
    }
  });

  it('leaves files out with the links to them, gives others another size, and never touches the tree', () => {
    const count = (i: number, outcome: number) => made.subsets[i]?.outcomes.filter((own) => own === outcome).length;
    expect(count(0, Outcome.present)).toBe(made.objects.length);
    expect(count(1, Outcome.absent)).toBeGreaterThan(100);
    expect(count(2, Outcome.different)).toBeGreaterThan(100);
    for (const { path, type, sizeBytes } of tree.objects) {
      const own = lstatSync(onDisk(tree.folder, path.toString('latin1')));
      if (type === ObjectType.file) expect(own.size).toBe(sizeBytes);
      if (type === ObjectType.file && sizeBytes % 6 === 1) expect(own.nlink).toBe(4);
    }
  });
});
