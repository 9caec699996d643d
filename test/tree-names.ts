import { readdirSync } from 'node:fs';
import { pathFromBytes } from '../core/path-bytes.ts';

/** All names of the tree that `REDIRECTOR_TREE` names, else made-up ones; directories with their slash. */
export function treeNames(): string[] {
  const root = process.env['REDIRECTOR_TREE'] ?? '';
  if (root === '') return Array.from({ length: 12_000 }, (_, i) => `distfiles/${(i * 7) & 255}/made-up-${i}%2B.tar.xz`);
  const names: string[] = [];
  const read = (folder: Buffer, above: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true, encoding: 'buffer' })) {
      const name = above + pathFromBytes(entry.name);
      if (entry.isDirectory()) read(Buffer.concat([folder, Buffer.from('/'), entry.name]), `${name}/`);
      names.push(entry.isDirectory() ? `${name}/` : name);
    }
  };
  read(Buffer.from(root), '');
  return names;
}
