import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { type LoadedInventory, ObjectType } from '../../../core/inventory.ts';
import { silentProgress } from '../../../core/progress.ts';
import { type TakeInventoryOptions, takeInventory } from '../take-inventory.ts';

/** Of the test that runs; to be asked for anew in each. */
export let folder: string;

/** Gives each test of a file a folder of its own. */
export function eachInAFolder(): void {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'inventory-'));
  });
  // Not rmSync: it can't remove paths beyond 4,096 bytes.
  afterEach(() => execFileSync('rm', ['-rf', folder]));
}

export const at = (latin1: string) => Buffer.from(`${folder}/${latin1}`, 'latin1');

/** Names with one character for each byte. */
export function file(name: string, sizeBytes = 1): void {
  writeFileSync(at(name), Buffer.alloc(sizeBytes));
  utimesSync(at(name), 1_700_000_000.75, 1_700_000_000.75);
}

export function link(name: string, target: string): void {
  symlinkSync(Buffer.from(target, 'latin1'), at(name));
}

export function directories(...names: string[]): void {
  for (const name of names) mkdirSync(at(name));
}

export function take(options: Partial<TakeInventoryOptions> = {}) {
  return takeInventory({
    sources: [{ from: folder, prefix: '' }],
    previous: null,
    nowMs: 1_000_999,
    timeoutMs: 10_000,
    progress: silentProgress,
    signal: new AbortController().signal,
    ...options,
  });
}

/** One line for each object that is in the tree, by path. */
export function rows(inventory: LoadedInventory): string[] {
  const letters = { [ObjectType.file]: 'f', [ObjectType.symlink]: 'l', [ObjectType.directory]: 'd' };
  return inventory.paths
    .map((path, id) => {
      const end = inventory.paths[inventory.leadsTo[id] as number];
      const way = inventory.targets[id] === '' ? '' : ` -> ${inventory.targets[id]} = ${end}`;
      const type = letters[inventory.types[id] as keyof typeof letters];
      return inventory.removedAtS[id] === 0 ? `${path} ${type} ${inventory.sizeBytes[id]}${way}` : '';
    })
    .filter((row) => row !== '')
    .sort();
}

export function idOf(inventory: LoadedInventory, path: string): number {
  return inventory.paths.indexOf(path);
}

export const HOSTILE_NAMES = [
  'a%2Fb',
  '#x',
  'sp ace',
  'plus+@:!',
  'new\nline',
  'tab\tbell\x07',
  '\xc3\xbcmlaut',
  '\xff\xfe',
  'back\\slash',
  '\\#012',
  'a -> b',
  '.tar.gz',
  '-rf',
  '*?[x]',
];

export function plantHostileTree(): void {
  directories('d', 'd/sub', 'd/sub\n', 'empty');
  HOSTILE_NAMES.forEach((name, i) => {
    file(`d/${name}`, i);
    link(`${name}`, `d/${name}`);
  });
  file('d/sub/deep', 5);
  link('d/sub/chain', '../../chain2');
  link('chain2', './d//sub/./deep');
  link('to-d', 'd');
  link('through', 'to-d/sub/deep');
  link('out', '/etc/passwd');
  link('nothing', 'd/none');
  execFileSync('mkfifo', [at('pipe').toString()]);
  file('.foo._mirrordist_hardlink_.123');
  file('d/foo._emirrordist_fetch_.123');
}
