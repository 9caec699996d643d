import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDirectoryLike, type LoadedInventory, ObjectType } from '../../core/inventory.ts';
import { pathToBytes } from '../../core/path-bytes.ts';
import { silentProgress } from '../../core/progress.ts';
import type { Holdings } from '../../demo/holdings.ts';
import { onDisk, writeSparse } from '../../demo/link-tree.ts';
import { ServedTree } from '../../demo/served-tree.ts';
import { type PlantedTree, plantTree } from '../../demo/tree.ts';
import { takeInventory } from '../../generator/inventory/take-inventory.ts';
import type { Truth } from './behaviour.ts';

/** One object of the inventory, as the behaviours see it. */
export interface ZooObject {
  readonly id: number;
  /** Canonical (core/path.ts). */
  readonly path: string;
  /** The bytes that it stands for, one character for each. */
  readonly name: string;
  /** The path of what it leads to; its own for files and directories. */
  readonly end: string;
  /** -1 for directories. */
  readonly sizeBytes: number;
  readonly isDirectory: boolean;
  readonly isLink: boolean;
  /** What it is in the mirror's copy. */
  readonly copy: Truth;
}

/** A master's tree and a mirror's imperfect copy of it, planted once for all behaviours. */
export interface ZooTree {
  /** For what servers need beside. */
  readonly folder: string;
  /** Where the mirror's copy lies. */
  readonly copy: string;
  readonly inventory: LoadedInventory;
  readonly objects: readonly ZooObject[];
  /** For servers that answer from memory. */
  readonly served: ServedTree;
  /** The mirror's copy, for the same. */
  readonly holdings: Holdings;
  close(): void;
}

/** Enough that index pages are asked for. */
const OBJECTS = 1000;
/** The newest time in the tree, where the copy is not another. */
const NOW_S = Date.UTC(2026, 5, 30) / 1000;
const COPY_IS_OLDER_S = 9 * 3600;
const MISSING_EVERY = 11;
const LONGER_EVERY = 13;
const LINK_MISSING_EVERY = 17;
const FLAT = /^distfiles\/[^/]+$/s;

/** What the copy lacks or has otherwise, by the path's bytes as `latin1`; its times are off by nine hours besides. */
interface Damage {
  readonly missing: ReadonlySet<string>;
  readonly longer: ReadonlySet<string>;
}

/** Plants the master's tree and the copy: a file in eleven is missing, one in thirteen a byte longer, some links gone. */
export async function plantZooTree(): Promise<ZooTree> {
  const folder = mkdtempSync(join(tmpdir(), 'redirector-zoo-'));
  // Some servers read it as another user.
  chmodSync(folder, 0o755);
  const planted = plantTree(join(folder, 'master'), { objects: OBJECTS, seed: 11, nowS: NOW_S });
  const damage = damageOf(planted);
  copyTree(planted, join(folder, 'copy'), damage);
  const { inventory } = await takeInventory({
    sources: [{ from: planted.folder, prefix: '' }],
    previous: null,
    nowMs: NOW_S * 1000,
    timeoutMs: 10_000,
    progress: silentProgress,
    signal: new AbortController().signal,
  });
  return {
    folder,
    copy: join(folder, 'copy'),
    inventory,
    objects: inventory.paths.map((_, id) => objectOf(inventory, id, damage)),
    served: new ServedTree(planted),
    holdings: (path, served) => {
      if (damage.missing.has(path) || damage.missing.has(served.end)) return null;
      return damage.longer.has(served.end) ? { ...served, sizeBytes: served.sizeBytes + 1 } : served;
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function damageOf({ objects }: PlantedTree): Damage {
  const names = (type: number) =>
    objects.filter((object) => object.type === type).map(({ path }) => path.toString('latin1'));
  const files = names(ObjectType.file).filter((path) => !/layout\.conf$|timestamp/.test(path));
  const links = names(ObjectType.symlink).filter((path) => FLAT.test(path));
  return {
    missing: new Set([
      ...files.filter((_, i) => i % MISSING_EVERY === 3),
      ...links.filter((_, i) => i % LINK_MISSING_EVERY === 5),
    ]),
    longer: new Set(files.filter((_, i) => i % MISSING_EVERY !== 3 && i % LONGER_EVERY === 4)),
  };
}

function copyTree({ objects }: PlantedTree, to: string, { missing, longer }: Damage): void {
  mkdirSync(to);
  for (const { path, type, sizeBytes, mtimeS, target } of objects) {
    const name = path.toString('latin1');
    const own = onDisk(to, name);
    if (missing.has(name)) continue;
    if (type === ObjectType.directory) mkdirSync(own);
    else if (type === ObjectType.symlink) symlinkSync(target, own);
    else writeSparse(own, longer.has(name) ? sizeBytes + 1 : sizeBytes, mtimeS - COPY_IS_OLDER_S);
  }
}

function objectOf(inventory: LoadedInventory, id: number, { missing, longer }: Damage): ZooObject {
  const path = inventory.paths[id] as string;
  const end = inventory.paths[inventory.leadsTo[id] as number] as string;
  const [name, endName] = [path, end].map((each) => pathToBytes(each).toString('latin1')) as [string, string];
  const copy = missing.has(name) || missing.has(endName) ? 'absent' : longer.has(endName) ? 'different' : 'present';
  const sizeBytes = inventory.sizeBytes[id] as number;
  const isLink = inventory.types[id] === ObjectType.symlink;
  return { id, path, name, end, sizeBytes, isDirectory: isDirectoryLike(inventory, id), isLink, copy };
}
