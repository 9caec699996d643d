/** What an entry is: by the file type bits of its mode, which every server tells the same way. */
export type SftpFileType = 'file' | 'directory' | 'symlink' | 'other';

export interface SftpEntry {
  /** As UTF-8; bytes that are no UTF-8 are U+FFFD, and the entry can't be asked for. */
  readonly name: string;
  readonly type: SftpFileType;
  /** NaN where the server tells none. */
  readonly sizeBytes: number;
  /** Whole seconds since 1970; NaN where the server tells none. */
  readonly mtimeS: number;
}

/** What an entry takes beside its name, at least. */
const ENTRY_BYTES = 64;
const TYPE_BITS = 0o170000;
const TYPES: Readonly<Record<number, SftpFileType>> = { 32768: 'file', 16384: 'directory', 40960: 'symlink' };

/** An entry as the library hands it on: what an answer lacks is undefined. */
export interface FoundEntry {
  readonly filename: string | undefined;
  readonly longname: string | undefined;
  readonly attrs: { readonly mode?: number; readonly size?: number; readonly mtime?: number };
}

/** What a listing tells at a time. */
export interface Piece {
  /** Without `.` and `..`. */
  readonly entries: readonly SftpEntry[];
  /** Roughly what it took to tell it. */
  readonly bytes: number;
}

/** Of what the library hands on; a name that is missing is empty. */
export function pieceOf(found: readonly FoundEntry[]): Piece {
  let bytes = ENTRY_BYTES;
  const entries: SftpEntry[] = [];
  for (const { filename: name = '', longname = '', attrs } of found) {
    bytes += Math.max(ENTRY_BYTES + name.length, longname.length);
    if (name === '.' || name === '..') continue;
    const type = TYPES[(attrs.mode ?? 0) & TYPE_BITS] ?? 'other';
    entries.push({ name, type, sizeBytes: attrs.size ?? Number.NaN, mtimeS: attrs.mtime ?? Number.NaN });
  }
  return { entries, bytes };
}
