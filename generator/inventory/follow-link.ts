import { ObjectType } from '../../core/inventory.ts';
import type { ObjectPath } from '../../core/path.ts';
import type { TreeEntry } from './entry.ts';

type Tree = ReadonlyMap<ObjectPath, TreeEntry>;

/** Why a link has no end in the tree, as a phrase after "links". */
export type DeadEnd = 'lead out of the tree' | 'lead in a circle' | 'lead to nothing';

/** As Linux does (path_resolution(7)): more links than these on one way count as a circle. */
const MAX_HOPS = 40;

/**
 * Follows a link through the tree as path_resolution(7) does: chains, links in the middle of a target, `..` from
 * where a linked directory really lies. Returns the entry at the end, which is never a link, or why there is none.
 */
export function followLink(tree: Tree, link: TreeEntry): TreeEntry | DeadEnd {
  let at = tree.get(parentOf(link.path));
  if (at === undefined) return 'lead to nothing';
  let ahead: string[] = [];
  let next: TreeEntry | DeadEnd = link;
  for (let hops = 0; typeof next !== 'string'; ) {
    if (next.type === ObjectType.symlink) {
      if (++hops > MAX_HOPS) return 'lead in a circle';
      if (next.target.startsWith('/')) return 'lead out of the tree';
      ahead = next.target.split('/').concat(ahead);
    } else {
      at = next;
    }
    const segment = ahead.shift();
    if (segment === undefined) return at;
    next = step(tree, at, segment);
  }
  return next;
}

function step(tree: Tree, at: TreeEntry, segment: string): TreeEntry | DeadEnd {
  if (at.type !== ObjectType.directory) return 'lead to nothing';
  if (segment === '' || segment === '.') return at;
  if (segment !== '..') return tree.get(at.path === '' ? segment : `${at.path}/${segment}`) ?? 'lead to nothing';
  return at.path === '' ? 'lead out of the tree' : (tree.get(parentOf(at.path)) ?? 'lead to nothing');
}

/** The path of the directory that holds `path`. */
export function parentOf(path: ObjectPath): ObjectPath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
