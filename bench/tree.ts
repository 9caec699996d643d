import { linkSync, lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { plantTree } from '../demo/tree.ts';

export interface BenchTree {
  readonly root: string;
  /** For the reader of the figures. */
  readonly from: string;
}

const FULL_SCALE = 149_000;
/** Names of the made-up tree that nginx has no index page for: it ends the connection. */
export const STRAYS = 'experimental/strays';

/** The tree that `REDIRECTOR_TREE` names, or a made-up one of the same size. */
export function prepareTree(folder: string): BenchTree {
  const given = process.env['REDIRECTOR_TREE'];
  if (given !== undefined && given !== '') return { root: given, from: 'the tree of REDIRECTOR_TREE' };
  const root = join(folder, 'tree');
  plantTree(root, { objects: FULL_SCALE, seed: 1 });
  rmSync(join(root, STRAYS), { recursive: true, force: true });
  return { root, from: 'a made-up tree' };
}

/** A tree of the distfiles alone, without their flat links: hard links into `folder`. Answers their request paths. */
export function onlyDistfiles(tree: BenchTree, folder: string): string[] {
  const paths: string[] = [];
  const from = Buffer.from(join(tree.root, 'distfiles/'));
  for (const directory of readdirSync(from, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    const source = join(tree.root, 'distfiles', directory.name);
    const target = join(folder, 'distfiles', directory.name);
    mkdirSync(target, { recursive: true });
    for (const name of readdirSync(source, { encoding: 'buffer' })) {
      const slash = Buffer.from('/');
      const file = Buffer.concat([Buffer.from(source), slash, name]);
      if (!lstatSync(file).isFile()) continue;
      linkSync(file, Buffer.concat([Buffer.from(target), slash, name]));
      const encoded = name
        .toString('latin1')
        .replace(/[^A-Za-z0-9._~-]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
      paths.push(`/distfiles/${directory.name}/${encoded}`);
    }
  }
  return paths;
}

/** A tree in which every directory has so many times as many names: hard links, and links, into `folder`. */
export function widerTree(tree: BenchTree, folder: string, times: number): BenchTree {
  const slash = Buffer.from('/');
  const widen = (from: Buffer, to: Buffer) => {
    mkdirSync(to);
    for (const { name, ...entry } of entriesOf(from)) {
      const source = Buffer.concat([from, slash, name]);
      if (entry.isDirectory) widen(source, Buffer.concat([to, slash, name]));
      else {
        for (let i = 0; i < times; i++) {
          const other = i === 0 ? name : Buffer.concat([name.subarray(0, 245), Buffer.from(`+more${i}`)]);
          const target = Buffer.concat([to, slash, other]);
          if (entry.isLink) symlinkSync(readlinkSync(source, { encoding: 'buffer' }), target);
          else linkSync(source, target);
        }
      }
    }
  };
  widen(Buffer.from(tree.root), Buffer.from(folder));
  return { root: folder, from: `${tree.from}, ${times} times as wide` };
}

function entriesOf(folder: Buffer): { name: Buffer; isDirectory: boolean; isLink: boolean }[] {
  const entries = readdirSync(folder, { encoding: 'buffer', withFileTypes: true });
  return entries.map((entry) => ({
    name: entry.name,
    isDirectory: entry.isDirectory(),
    isLink: entry.isSymbolicLink(),
  }));
}
