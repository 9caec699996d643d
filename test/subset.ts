import { execFile } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ObjectType, type ObjectTypeCode } from '../core/inventory.ts';
import { Outcome, type OutcomeCode } from '../core/observations.ts';
import type { ObjectPath } from '../core/path.ts';
import { pathFromLatin1 } from '../core/path-bytes.ts';
import { endOf, type LinkEntry } from '../demo/link-end.ts';
import { onDisk, writeSparse } from '../demo/link-tree.ts';

const run = promisify(execFile);

/** An object of the whole tree. */
export interface TreeObject {
  readonly path: ObjectPath;
  readonly type: ObjectTypeCode;
  /** What a viewer receives; -1 for directories and links to them. */
  readonly sizeBytes: number;
}

/** What one mirror is to have. Both are asked for real files only: links follow the file at their end. */
export interface SubsetRule {
  /** The folder's name below the out folder. */
  readonly name: string;
  /** Files that are left out, with the links to them. */
  readonly isMissing?: (file: TreeObject) => boolean;
  /** Another size for a file; null = its own. */
  readonly otherSizeBytes?: (file: TreeObject) => number | null;
}

export interface Subset {
  readonly name: string;
  readonly folder: string;
  /** `Outcome` (present, absent or different) by the object's position in `objects`. */
  readonly outcomes: Uint8Array;
}

export interface Subsets {
  /** Every object of the tree but the root, links to it, and links that lead nowhere; parents before their children. */
  readonly objects: readonly TreeObject[];
  readonly subsets: readonly Subset[];
}

/**
 * Makes mirror roots that hold different parts of a tree, in hard links (GNU cp makes them in half the time that
 * Node needs, and several roots at once). Tree and out folder must share a file system.
 */
export async function makeSubsets(
  treeFolder: string,
  outFolder: string,
  rules: readonly SubsetRule[],
): Promise<Subsets> {
  mkdirSync(outFolder, { recursive: true });
  const copied = rules.map(({ name }) => run('cp', ['-al', '--', treeFolder, join(outFolder, name)]));
  const scanned = scan(treeFolder);
  await Promise.all(copied);
  const subsets = rules.map((rule) => {
    const folder = join(outFolder, rule.name);
    const outcomes = outcomesOf(scanned, rule);
    for (const [i, { path, type, told }] of scanned.entries()) {
      if (outcomes[i] === Outcome.present) continue;
      if (outcomes[i] === Outcome.different && type !== ObjectType.file) continue;
      const file = onDisk(folder, path);
      const { mtimeMs } = lstatSync(file);
      // Never written through: the master's file is the same inode.
      unlinkSync(file);
      const sizeBytes = rule.otherSizeBytes?.(told) ?? null;
      if (outcomes[i] === Outcome.different && sizeBytes !== null) writeSparse(file, sizeBytes, mtimeMs / 1000);
    }
    return { name: rule.name, folder, outcomes };
  });
  return { objects: scanned.map(({ told }) => told), subsets };
}

interface Scanned {
  /** One character for each byte. */
  readonly path: string;
  readonly type: ObjectTypeCode;
  readonly told: TreeObject;
  /** The position of the object at the end of the links. */
  readonly end: number;
}

function outcomesOf(scanned: readonly Scanned[], rule: SubsetRule): Uint8Array {
  const own = scanned.map(({ type, told }): OutcomeCode => {
    if (type !== ObjectType.file) return Outcome.present;
    if (rule.isMissing?.(told)) return Outcome.absent;
    const sizeBytes = rule.otherSizeBytes?.(told) ?? told.sizeBytes;
    return sizeBytes === told.sizeBytes ? Outcome.present : Outcome.different;
  });
  return Uint8Array.from(scanned, ({ end }) => own[end] as OutcomeCode);
}

interface Found extends LinkEntry {
  readonly sizeBytes: number;
}

/** Reads the tree, follows its links, and leaves out those that lead nowhere. */
function scan(treeFolder: string): Scanned[] {
  const found = new Map<string, Found>();
  scanDirectory(treeFolder, '', found);
  const real = [...found].flatMap(([path, { type }]) => {
    const endPath = type === ObjectType.symlink ? endOf(found, path) : path;
    return endPath === null || endPath === '' ? [] : [{ path, type, endPath }];
  });
  const positions = new Map(real.map(({ path }, i) => [path, i]));
  return real.map(({ path, type, endPath }) => {
    const sizeBytes = found.get(endPath)?.sizeBytes as number;
    const told = { path: pathFromLatin1(path), type, sizeBytes };
    return { path, type, told, end: positions.get(endPath) as number };
  });
}

function scanDirectory(treeFolder: string, directory: string, found: Map<string, Found>): void {
  const entries = readdirSync(onDisk(treeFolder, directory), { encoding: 'buffer', withFileTypes: true });
  for (const entry of entries) {
    const path = `${directory}${directory === '' ? '' : '/'}${entry.name.toString('latin1')}`;
    if (entry.isDirectory()) {
      found.set(path, { type: ObjectType.directory, target: '', sizeBytes: -1 });
      scanDirectory(treeFolder, path, found);
    } else if (entry.isSymbolicLink()) {
      const target = readlinkSync(onDisk(treeFolder, path), { encoding: 'buffer' }).toString('latin1');
      found.set(path, { type: ObjectType.symlink, target, sizeBytes: -1 });
    } else {
      found.set(path, { type: ObjectType.file, target: '', sizeBytes: lstatSync(onDisk(treeFolder, path)).size });
    }
  }
}
