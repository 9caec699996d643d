import { ObjectType, type ObjectTypeCode } from '../core/inventory.ts';

/** What must be known of a tree to follow its links. Names are strings with one character for each byte. */
export interface LinkEntry {
  readonly type: ObjectTypeCode;
  /** As written; '' for other types. */
  readonly target: string;
}

// path_resolution(7): Linux follows 40 links in one path.
const MAX_HOPS = 40;

/**
 * The path at which one arrives, all links on the way followed, as a chrooted system would; null where there is
 * nothing: a missing name, a circle, a way out of the tree. `entries` holds every path of the tree but the root ('').
 */
export function endOf(entries: ReadonlyMap<string, LinkEntry>, path: string): string | null {
  let at = '';
  let hops = 0;
  const ahead = path === '' ? [] : path.split('/').reverse();
  while (ahead.length > 0) {
    const segment = ahead.pop() as string;
    if (segment === '' || segment === '.') continue;
    if (segment === '..') {
      if (at === '') return null;
      at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
      continue;
    }
    const next = at === '' ? segment : `${at}/${segment}`;
    const entry = entries.get(next);
    if (entry === undefined) return null;
    if (entry.type === ObjectType.symlink) {
      if (++hops > MAX_HOPS || entry.target.startsWith('/')) return null;
      ahead.push(...entry.target.split('/').reverse());
      continue;
    }
    if (entry.type === ObjectType.file && ahead.length > 0) return null;
    at = next;
  }
  return at;
}
