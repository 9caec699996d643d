import { linkSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
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
