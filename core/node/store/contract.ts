import { quoted, RunError } from '../../errors.ts';

/**
 * Where files are kept for others to read: small ones, each replaced as a whole. A path is relative, of segments
 * joined by `/`, UTF-8; other paths are refused with a RunError before anything is done. Every other error is a
 * RunError that names the path.
 */
export interface Store {
  /** The file's bytes: of one write, whole, however many write meanwhile. Null where there is none. */
  read(path: string): Promise<Buffer | null>;
  /**
   * Writes a file, with the directories above it. Whoever reads meanwhile, and whenever it is cut, the old content is
   * there or the new; of two writers the last wins. (Over an SFTP server that can't rename over a file there is a
   * moment without any.) What writers of this file that were killed have left beside it goes when it is a day old.
   */
  writeAtomic(path: string, bytes: Uint8Array): Promise<void>;
  /** The paths of all files in a directory ('' = all) and beneath it, sorted; none where it is missing. */
  list(directory: string): Promise<string[]>;
  /** Removes a file; nothing where there is none. Directories stay. */
  remove(path: string): Promise<void>;
  /** Leaves no connection behind. */
  close(): Promise<void>;
}

/** What a file is called while it is written. A cut may leave one; readers do not see it. */
export const TEMPORARY_END = '.tmp';
/** What else stands between a file's name and that end: digits of either kind of store. */
const TEMPORARY_MIDDLE = /^\.[\da-f]+(?:-\d+)?$/;
/** No write takes so long, and no clock is so wrong: a temporary file of this age has lost its writer. */
const LEFTOVER_AGE_S = 86_400;

const MAX_PATH_CHARACTERS = 1000;

/** The path, where it is one of a store; throws RunError where not. */
export function storePath(path: string): string {
  if (path.length <= MAX_PATH_CHARACTERS && path.split('/').every(isSegment)) return path;
  throw new RunError(`not a path that a store takes: ${quoted(path)}`);
}

/** As `storePath`, but '' is the store itself. */
export function storeDirectory(path: string): string {
  return path === '' ? path : storePath(path);
}

/** Whether a name can be part of a store's path. The rest is not for us. */
export function isSegment(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  const isHarmless = name !== '' && name !== '.' && name !== '..' && !/[\u0000-\u001f\u007f/\\\ufffd]/.test(name);
  return isHarmless && !/\p{Cs}/u.test(name) && !name.endsWith(TEMPORARY_END);
}

/** Whether an entry beside a file is what a killed writer of this very file has left there; times in seconds since 1970. */
export function isLeftover(
  fileName: string,
  entry: { readonly name: string; readonly mtimeS: number },
  nowS: number,
): boolean {
  const { name, mtimeS } = entry;
  const isTemporary = name.startsWith(fileName) && name.endsWith(TEMPORARY_END);
  return (
    isTemporary &&
    TEMPORARY_MIDDLE.test(name.slice(fileName.length, -TEMPORARY_END.length)) &&
    mtimeS < nowS - LEFTOVER_AGE_S
  );
}
