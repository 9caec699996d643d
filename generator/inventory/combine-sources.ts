import { quoted, UsageError } from '../../core/errors.ts';
import { ObjectType } from '../../core/inventory.ts';
import { canonicalRequestPath, type ObjectPath } from '../../core/path.ts';
import type { Source, TreeEntry } from './entry.ts';

// emirrordist links and fetches under these names beside the real ones (lib/portage/_emirrordist/FetchTask.py).
const TEMPORARY = /(?:^|\/)(?:\.[^/]+\._mirrordist_hardlink_|[^/]+\._emirrordist_fetch_)\.[^/]*$/;

/** The canonical path of a source's prefix. Throws UsageError where it is none. */
export function canonicalPrefix(source: Source): ObjectPath {
  const prefix = canonicalRequestPath(source.prefix)?.replace(/\/$/, '');
  if (prefix === undefined) {
    throw new UsageError(`${source.from}: prefix ${quoted(source.prefix)} is no path; write it as "distfiles"`);
  }
  return prefix;
}

/**
 * Puts the sources' entries at their prefixes, with the directories above those, into one tree by path, the root always among them. Temporary
 * files of emirrordist are left out. Two sources may share a directory; any other path that two of them give is a
 * UsageError that names both.
 */
export function combineSources(
  sources: readonly (Source & { readonly entries: readonly TreeEntry[] })[],
): Map<ObjectPath, TreeEntry> {
  const tree = new Map<ObjectPath, TreeEntry>([['', unknownDirectory('')]]);
  const ownerOf = sources.length > 1 ? new Map<ObjectPath, string>() : null;
  const add = (entry: TreeEntry, from: string) => {
    const known = tree.get(entry.path);
    if (known !== undefined && (known.type !== ObjectType.directory || entry.type !== ObjectType.directory)) {
      const other = ownerOf?.get(entry.path) ?? from;
      throw new UsageError(
        `${quoted(entry.path)} is given by two sources, ${other} and ${from}; give each a prefix of its own`,
      );
    }
    if (known !== undefined && known.mtimeS >= entry.mtimeS) return;
    tree.set(entry.path, entry);
    ownerOf?.set(entry.path, from);
  };
  for (const source of sources) {
    const prefix = canonicalPrefix(source);
    for (const path of pathsAbove(prefix)) add(unknownDirectory(path), source.from);
    for (const entry of source.entries) {
      if (entry.type !== ObjectType.directory && TEMPORARY.test(entry.path)) continue;
      add(prefix === '' ? entry : { ...entry, path: joined(prefix, entry.path) }, source.from);
    }
  }
  return tree;
}

function joined(prefix: ObjectPath, path: ObjectPath): ObjectPath {
  return path === '' ? prefix : `${prefix}/${path}`;
}

/** The directories above a path, the root first; none above the root. */
function pathsAbove(path: ObjectPath): ObjectPath[] {
  if (path === '') return [];
  const segments = path.split('/');
  return segments.map((_, i) => segments.slice(0, i).join('/'));
}

function unknownDirectory(path: ObjectPath): TreeEntry {
  return { path, type: ObjectType.directory, sizeBytes: -1, mtimeS: 0, target: '' };
}
