import { describe, expect, test } from 'vitest';
import { ObjectType, type ObjectTypeCode } from '../core/inventory.ts';
import { Outcome } from '../core/observations.ts';
import { ListedTree } from './listed-tree.ts';
import { type TestObject, testInventory } from './testing/inventory.ts';

describe('a listing that broke off', () => {
  const entry = (type: ObjectTypeCode, path: string, sizeBytes = 0, target = '') => {
    return { type, path, sizeBytes, target };
  };
  const objects: TestObject[] = [
    { path: 'a' },
    { path: 'a/f', sizeBytes: 3 },
    { path: 'l', target: 'a/f', leadsTo: 'a/f' },
    { path: 'a/g', sizeBytes: 4 },
  ];
  const inventory = testInventory(objects);
  const tree = (isWhole: boolean) => {
    const listed = new ListedTree(inventory, (path) => {
      const id = inventory.paths.indexOf(path);
      return id < 0 ? undefined : id;
    });
    listed.isWhole = () => isWhole;
    return listed;
  };

  test('shows what it shows, and proves nothing absent', () => {
    const listed = tree(false);
    listed.add(entry(ObjectType.directory, 'a'));
    listed.add(entry(ObjectType.file, 'a/f', 3));
    expect([0, 1, 2, 3].map((id) => listed.outcome(id))).toEqual([
      Outcome.present,
      Outcome.present,
      Outcome.none,
      Outcome.none,
    ]);
    listed.isWhole = () => true;
    expect([2, 3].map((id) => listed.outcome(id))).toEqual([Outcome.absent, Outcome.absent]);
  });

  test('a link whose end was not reached is not judged; where the end is missing, so is what the link gives', () => {
    const listed = tree(false);
    listed.add(entry(ObjectType.symlink, 'l', 3, 'a/f'));
    expect(listed.outcome(2)).toBe(Outcome.none);
    listed.isWhole = () => true;
    expect(listed.outcome(2)).toBe(Outcome.absent);
  });
});
