import { readdirSync, readlinkSync } from 'node:fs';
import { memberOf } from '../core/look-up.ts';
import { pathFromBytes } from '../core/path-bytes.ts';

/** All names of the tree that `REDIRECTOR_TREE` names, else made-up ones; directories with their slash. */
export function treeNames(): string[] {
  return treeLines().map((line) => line.split(' -> ')[0] as string);
}

/**
 * As `treeNames`, with ` -> ab/x` behind a flat name that is a link to its namesake in that folder; the namesake comes
 * right before it.
 */
export function treeLines(): string[] {
  const root = process.env['REDIRECTOR_TREE'] ?? '';
  if (root === '') {
    return Array.from({ length: 6000 }, (_, i) => {
      const folder = ((i * 7) & 255).toString(16).padStart(2, '0');
      return [
        `distfiles/${folder}/made-up-${i}%2B.tar.xz`,
        `distfiles/made-up-${i}%2B.tar.xz -> ${folder}/made-up-${i}%2B.tar.xz`,
      ];
    }).flat();
  }
  const names: string[] = [];
  const flat = new Map<string, string>();
  const read = (folder: Buffer, above: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true, encoding: 'buffer' })) {
      const name = above + pathFromBytes(entry.name);
      const place = Buffer.concat([folder, Buffer.from('/'), entry.name]);
      if (entry.isDirectory()) read(place, `${name}/`);
      const target = entry.isSymbolicLink() ? pathFromBytes(readlinkSync(place, { encoding: 'buffer' })) : '';
      const { name: own, slot } = memberOf(above + target);
      if (own === name && slot > 0) flat.set(name, target);
      else names.push(entry.isDirectory() ? `${name}/` : name);
    }
  };
  read(Buffer.from(root), '');
  const lines = names.flatMap((name) => {
    const { name: own, slot } = memberOf(name);
    const target = slot > 0 ? flat.get(own) : undefined;
    if (target === undefined || !name.endsWith(`/${target}`)) return [name];
    flat.delete(own);
    return [name, `${own} -> ${target}`];
  });
  // What leads nowhere.
  return [...lines, ...flat.keys()];
}
