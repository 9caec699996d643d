/** What an entry of a directory is. */
export interface OriginEntry {
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  readonly sizeBytes: number;
}

/**
 * The file system of an origin, as far as a publication needs it. Paths are relative to its root, of segments joined by
 * `/`; '' is the root. Failures are RunErrors that name the place, with a way out where there is one (a full disk,
 * missing rights); `isCut` tells those of the connection, after which the next request makes a new one.
 */
export interface OriginFiles {
  /** For errors and notes: `/srv/redirector`, `publisher@www.example.org:/srv/redirector`. */
  readonly where: string;
  /** Null where there is none. */
  read(path: string): Promise<Buffer | null>;
  /** Of the directory; none where it is missing. */
  list(directory: string): Promise<readonly OriginEntry[]>;
  /** Writes over what is there, not atomically, and sees to it that the bytes reach the disk. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** With those above it; nothing where it is there. */
  makeDirectory(path: string): Promise<void>;
  /** In one step; false where `to` is there already. */
  renameNew(from: string, to: string): Promise<boolean>;
  /** In one step over a file or link that is there; where the server can't, there is a moment without any. */
  renameOver(from: string, to: string): Promise<void>;
  /** A second name for a file; false where that is not possible there. */
  hardLink(from: string, to: string): Promise<boolean>;
  makeLink(target: string, path: string): Promise<void>;
  /** Where a link leads; null where there is none, or something else. */
  readLink(path: string): Promise<string | null>;
  /** A file or link; nothing where there is none. */
  remove(path: string): Promise<void>;
  /** An empty one; nothing where there is none. */
  removeDirectory(path: string): Promise<void>;
  /** Null = the server does not tell. */
  freeBytes(): Promise<number | null>;
  isCut(error: unknown): boolean;
  close(): Promise<void>;
}

/** Removes a directory with all that is in it. */
export async function removeTree(files: OriginFiles, directory: string): Promise<void> {
  for (const { name, type } of await files.list(directory)) {
    const path = `${directory}/${name}`;
    if (type === 'directory') await removeTree(files, path);
    else await files.remove(path);
  }
  await files.removeDirectory(directory);
}
