import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../core/errors.ts';
import { ObjectType } from '../core/inventory.ts';
import { endOf, type LinkEntry } from './link-end.ts';
import { ODD_NAMES } from './odd-names.ts';
import { type PlantedTree, plantTree } from './tree.ts';

let folder: string;
let tree: PlantedTree;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'redirector-tree-'));
  tree = plantTree(join(folder, 'a'), { objects: 3000, seed: 7 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** All paths below a folder, read as bytes. */
function pathsOnDisk(root: string): string[] {
  const found: string[] = [];
  const walk = (relative: string) => {
    const here = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(relative, 'latin1')]);
    for (const entry of readdirSync(here, { encoding: 'buffer', withFileTypes: true })) {
      const path = (relative === '' ? '' : `${relative}/`) + (entry.name as unknown as Buffer).toString('latin1');
      found.push(path);
      if (entry.isDirectory()) walk(path);
    }
  };
  walk('');
  return found.sort();
}

const onDisk = (path: Buffer) => Buffer.concat([Buffer.from(`${tree.folder}/`), path]);
const find = (path: string) => tree.objects.find((object) => object.path.toString('latin1') === path);

describe('the planted tree', () => {
  it('has what it says on disk, byte for byte, and nothing else', () => {
    const told = [...tree.objects.map((object) => object.path), ...tree.leftOut].map((path) => path.toString('latin1'));
    expect(pathsOnDisk(tree.folder)).toEqual(told.sort());
    expect(tree.objects.length).toBeGreaterThan(2950);
    expect(tree.objects.length).toBeLessThan(3010);
  });

  it('tells types, sizes, times, targets and ends as the system sees them', () => {
    for (const object of tree.objects) {
      const own = lstatSync(onDisk(object.path));
      const type = own.isSymbolicLink()
        ? ObjectType.symlink
        : own.isDirectory()
          ? ObjectType.directory
          : ObjectType.file;
      const seen = statSync(onDisk(object.path));
      expect({ type, mtimeS: own.mtimeMs / 1000, sizeBytes: seen.isDirectory() ? -1 : seen.size }).toEqual({
        type: object.type,
        mtimeS: object.mtimeS,
        sizeBytes: object.sizeBytes,
      });
      expect(seen.ino).toBe(statSync(onDisk(object.leadsTo)).ino);
      if (type === ObjectType.symlink) {
        expect(readlinkSync(onDisk(object.path), { encoding: 'buffer' })).toEqual(object.target);
      }
    }
  });

  it('lays every odd name out by GLEP 75 with its flat name as a link', () => {
    expect(new Set(ODD_NAMES).size).toBe(ODD_NAMES.length);
    for (const name of ODD_NAMES) {
      expect(name).toMatch(/^[^/\0]{1,255}$/s);
      const hash = createHash('blake2b512').update(Buffer.from(name, 'latin1')).digest('hex').slice(0, 2);
      expect(find(`distfiles/${hash}/${name}`)?.type).toBe(ObjectType.file);
      expect(find(`distfiles/${name}`)?.target.toString('latin1')).toBe(`${hash}/${name}`);
    }
    expect(readFileSync(join(tree.folder, 'distfiles/layout.conf'), 'utf8')).toBe(
      '[structure]\n0=filename-hash BLAKE2B 8\n',
    );
    expect(readFileSync(join(tree.folder, 'distfiles/timestamp.mirmon'), 'utf8')).toMatch(/^\d{10}\n$/);
  });

  it('hashes names as Portage does', () => {
    // The vectors of `python3 -c 'import hashlib; print(hashlib.blake2b(NAME).hexdigest()[:2])'`.
    const planted = tree.objects.filter(({ path }) => /^distfiles\/[0-9a-f]{2}\//.test(path.toString('latin1')));
    const hashes = new Map(
      planted.map(({ path }) => [path.subarray(13).toString('latin1'), path.subarray(10, 12).toString()]),
    );
    expect(hashes.get('gtk+-2.24.33.tar.xz')).toBe('f5');
    expect(hashes.get('caf\xe9-1.0.tar.gz')).toBe('c0');
  });

  it('leaves out exactly the links that lead nowhere, and files in the making', () => {
    for (const path of tree.leftOut) {
      const isTemporary = path.includes('._mirrordist_hardlink_.');
      expect(isTemporary || path.toString('latin1').startsWith('experimental/strays/')).toBe(true);
    }
    expect(tree.leftOut.length).toBe(10);
    expect(find('experimental/strays/real.tar.xz')).toBeDefined();
  });

  it('takes little disk whatever the sizes say', () => {
    const files = tree.objects.filter((object) => object.type === ObjectType.file);
    const told = files.reduce((sum, object) => sum + object.sizeBytes, 0);
    const taken = files.reduce((sum, object) => sum + lstatSync(onDisk(object.path)).blocks * 512, 0);
    expect(told).toBeGreaterThan(3e9);
    expect(taken).toBeLessThan(1e6);
  });

  it('is the same for the same seed and another for another', () => {
    const again = plantTree(join(folder, 'b'), { objects: 3000, seed: 7 });
    const other = plantTree(join(folder, 'c'), { objects: 3000, seed: 8 });
    expect(again.objects).toEqual(tree.objects);
    expect(other.objects).not.toEqual(tree.objects);
  });

  it('is not planted over something else', () => {
    const taken = mkdtempSync(join(folder, 'taken-'));
    writeFileSync(join(taken, 'mine'), '');
    expect(() => plantTree(taken, { objects: 700, seed: 1 })).toThrow(UsageError);
    expect(readdirSync(taken)).toEqual(['mine']);
  });
});

describe('endOf', () => {
  const link = (target: string): LinkEntry => ({ type: ObjectType.symlink, target });
  const entries = new Map<string, LinkEntry>([
    ['d', { type: ObjectType.directory, target: '' }],
    ['d/f', { type: ObjectType.file, target: '' }],
    ['to-d', link('d')],
    ['up', link('to-d/../to-d/./f')],
    ['root', link('d/..')],
    ['above', link('d/../../d/f')],
    ['absolute', link('/d/f')],
    ['slash', link('d/f/')],
    ['loop', link('loop/x')],
    ...Array.from({ length: 41 }, (_, i) => [`hop${i}`, link(i === 0 ? 'd/f' : `hop${i - 1}`)] as const),
  ]);

  it.each([
    ['', ''],
    ['d/f', 'd/f'],
    ['to-d/f', 'd/f'],
    ['up', 'd/f'],
    ['root', ''],
    ['root/to-d', 'd'],
    ['above', null],
    ['absolute', null],
    ['slash', null],
    ['loop', null],
    ['d/nothing', null],
    ['hop39', 'd/f'],
    ['hop40', null],
  ])('follows %j to %j', (path, end) => expect(endOf(entries, path)).toBe(end));
});
