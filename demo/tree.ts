import { lutimesSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { quoted, UsageError } from '../core/errors.ts';
import { ObjectType, type ObjectTypeCode } from '../core/inventory.ts';
import { naming } from '../core/node/system-errors.ts';
import { endOf } from './link-end.ts';
import { onDisk, writeSparse } from './link-tree.ts';
import { type PlannedFile, TreePlan } from './tree-plan.ts';

/** One object as it lies on disk. */
export interface PlantedObject {
  /** The name's bytes, relative to the tree's root. */
  readonly path: Buffer;
  readonly type: ObjectTypeCode;
  /** What a viewer of the path receives: a file's bytes, or those at the end of a link; -1 for directories and links to them. */
  readonly sizeBytes: number;
  readonly mtimeS: number;
  /** A link's target as written; empty for other types. */
  readonly target: Buffer;
  /** Where a link's chain ends; the object's own path for other types. */
  readonly leadsTo: Buffer;
}

export interface PlantedTree {
  readonly folder: string;
  /** All that a leader must find there but the root, parents before their children. */
  readonly objects: readonly PlantedObject[];
  /** Paths a leader must leave out: links out of the tree, in a circle, or to nothing; a file still being made. */
  readonly leftOut: readonly Buffer[];
}

export interface PlantOptions {
  /** About how many objects (never fewer than some 650). */
  readonly objects: number;
  readonly seed: number;
  /** The newest time in the tree, in seconds since 1970. The tree is the same for the same three options. */
  readonly nowS?: number;
}

const DEFAULT_NOW_S = Date.UTC(2026, 5, 30) / 1000;

/**
 * Plants a made-up distribution's tree with realistic and with hostile names. Files are sparse: any size takes next
 * to no disk. Throws UsageError where the folder holds something already. On file systems that refuse a name
 * (no UTF-8, upper and lower case alike) that object is left away.
 */
export function plantTree(folder: string, options: PlantOptions): PlantedTree {
  mkdirSync(folder, { recursive: true });
  if (readdirSync(folder).length > 0) {
    throw new UsageError(`${quoted(folder)} is not empty; name another folder, or remove it first`);
  }
  const { objects, seed, nowS = DEFAULT_NOW_S } = options;
  return { folder, ...plantPlan(folder, new TreePlan({ objects, seed, nowS }), nowS) };
}

interface Planted {
  readonly type: ObjectTypeCode;
  readonly sizeBytes: number;
  readonly mtimeS: number;
  readonly target: string;
}

function plantPlan(folder: string, plan: TreePlan, nowS: number): Omit<PlantedTree, 'folder'> {
  const planted = new Map<string, Planted>();
  const directories = [...plan.directories].sort();
  for (const path of directories) {
    if (!made(() => mkdirSync(onDisk(folder, path)))) continue;
    planted.set(path, { type: ObjectType.directory, sizeBytes: -1, mtimeS: nowS, target: '' });
  }
  for (const file of plan.files) {
    if (!made(() => plantFile(onDisk(folder, file.path), file))) continue;
    planted.set(file.path, { type: ObjectType.file, sizeBytes: file.sizeBytes, mtimeS: file.mtimeS, target: '' });
  }
  for (const { path, target, mtimeS } of plan.links) {
    const link = onDisk(folder, path);
    if (!made(() => symlinkSync(Buffer.from(target, 'latin1'), link))) continue;
    lutimesSync(link, mtimeS, mtimeS);
    planted.set(path, { type: ObjectType.symlink, sizeBytes: -1, mtimeS, target });
  }
  // Last and deepest first: each new name in a directory has changed its time.
  for (const path of directories.reverse()) if (planted.has(path)) utimesSync(onDisk(folder, path), nowS, nowS);
  return sorted(planted);
}

/** False where the file system can't hold such a name beside the others. */
function made(make: () => void): boolean {
  try {
    make();
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EILSEQ' || code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  }
}

function plantFile(path: Buffer, { sizeBytes, mtimeS, content }: PlannedFile): void {
  if (content === undefined) {
    writeSparse(path, sizeBytes, mtimeS);
    return;
  }
  naming(path.toString(), () => writeFileSync(path, content, { encoding: 'latin1', flag: 'wx' }));
  utimesSync(path, mtimeS, mtimeS);
}

/** Tells what a leader must take from what it must leave out. */
function sorted(planted: ReadonlyMap<string, Planted>): Omit<PlantedTree, 'folder'> {
  const objects: PlantedObject[] = [];
  const leftOut: Buffer[] = [];
  for (const path of [...planted.keys()].sort()) {
    const own = planted.get(path) as Planted;
    const end = endOf(planted, path);
    if (end === null || path.includes('._mirrordist_hardlink_.')) {
      leftOut.push(Buffer.from(path, 'latin1'));
      continue;
    }
    objects.push({
      path: Buffer.from(path, 'latin1'),
      type: own.type,
      sizeBytes: planted.get(end)?.sizeBytes ?? -1,
      mtimeS: own.mtimeS,
      target: Buffer.from(own.target, 'latin1'),
      leadsTo: Buffer.from(end, 'latin1'),
    });
  }
  return { objects, leftOut };
}
