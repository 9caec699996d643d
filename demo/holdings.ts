import type { Served, ServedTree } from './served-tree.ts';

/** A mirror's copy of an object. */
export interface Copy {
  /** -1 for directories. */
  readonly sizeBytes: number;
  /** An HTTP date. */
  readonly lastModified: string;
  /** Where it is not the master's file. */
  readonly text?: string;
}

/**
 * What a mirror's copy of an object is, given the path it is asked by and what the master has there; null = it has
 * none. Pure: the same question gets the same answer.
 */
export type Holdings = (path: string, served: Served) => Copy | null;

const TIMESTAMP = 'distfiles/timestamp.mirmon';
const MUTABLE = /^distfiles\/(layout\.conf|timestamp\.[^/]*)$|(^|\/)latest-[^/]*\.txt$|^snapshots\/[^/]*-latest/;
const STALE_BY_S = 4 * 86_400;

export const holdsEverything: Holdings = (_, served) => served;

/** Only one of the trees: the root's listing shows it alone. */
export function holdsOnly(top: string): Holdings {
  return (path, served) => (path === '' || path === top || path.startsWith(`${top}/`) ? served : null);
}

/**
 * A mirror that was not synced for days: without the newest tenth of the files, the links to them, and directories
 * that then have nothing in them. Files that change under one name are there, the freshness stamp with an old time.
 */
export function holdsAllButTheNewest(tree: ServedTree): Holdings {
  const files = [...tree.files()].filter((file) => !MUTABLE.test(file.end)).sort((a, b) => b.mtimeS - a.mtimeS);
  const newest = new Set(files.slice(0, Math.ceil(files.length / 10)).map((file) => file.end));
  const emptied = new Set<string>();
  const isMissing = (path: string): boolean => {
    const end = tree.lookup(path)?.end;
    return end === undefined || newest.has(end) || emptied.has(end);
  };
  for (const parent of [...parentsOf(newest)].sort((a, b) => b.length - a.length)) {
    if (tree.namesIn(parent).every((name) => isMissing(`${parent}/${name}`))) emptied.add(parent);
  }
  return (_, served) => {
    if (newest.has(served.end) || emptied.has(served.end)) return null;
    if (served.end !== TIMESTAMP) return served;
    const mtimeS = served.mtimeS - STALE_BY_S;
    return { ...served, text: `${mtimeS}\n`, lastModified: new Date(mtimeS * 1000).toUTCString() };
  };
}

/** One file in seventeen ends too early. */
export function holdsSomeCutShort(tree: ServedTree): Holdings {
  const files = [...tree.files()].filter((file) => file.sizeBytes > 1 && !MUTABLE.test(file.end));
  const short = new Set(files.filter((_, i) => i % 17 === 0).map((file) => file.end));
  return (_, served) => (short.has(served.end) ? { ...served, sizeBytes: Math.floor(served.sizeBytes * 0.9) } : served);
}

function parentsOf(paths: Iterable<string>): Set<string> {
  const parents = new Set<string>();
  for (const path of paths) {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) parents.add(path.slice(0, at));
  }
  return parents;
}
