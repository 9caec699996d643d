import type { ObjectTypeCode } from '../../core/inventory.ts';
import type { SftpAccess } from '../../core/node/sftp/place.ts';
import type { ObjectPath } from '../../core/path.ts';

/** Where a part of the tree is read from. */
export interface Source {
  /** A local directory, `rsync://host[:port]/module[/path]`, or `sftp://user@host[:port]/path`. */
  readonly from: string;
  /** Where it lies in the tree: '' (the root itself), 'distfiles', 'releases/x'. Spelled as a URL path. */
  readonly prefix: string;
  /** For `sftp:` alone, and needed there. */
  readonly access?: SftpAccess;
}

/** One entry of the master's tree as a reader finds it; links are not followed yet. */
export interface TreeEntry {
  /** Canonical. A reader gives it relative to its source, where '' is the source itself. */
  readonly path: ObjectPath;
  readonly type: ObjectTypeCode;
  /** Of a file; -1 for other types. */
  readonly sizeBytes: number;
  /** Whole seconds since 1970; 0 = not known. */
  readonly mtimeS: number;
  /** A link's target as it is written, percent-encoded like a path; '' for other types. */
  readonly target: string;
}

/** An entry with its chain of links followed: what becomes a row of the inventory. */
export interface ResolvedEntry extends TreeEntry {
  /** Of the file that a viewer receives; -1 where that is a directory. */
  readonly sizeBytes: number;
  /** The path at the end of the chain; the entry's own for files and directories. */
  readonly leadsTo: ObjectPath;
}

/** What a reader of one source found. */
export interface ReadSource {
  readonly entries: TreeEntry[];
  /** What was left out, each a sentence. */
  readonly notes: readonly string[];
}

/** Orders by the characters' codes: the order of paths in which new objects get their ids. */
export function byPath(a: { readonly path: ObjectPath }, b: { readonly path: ObjectPath }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}
