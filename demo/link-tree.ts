import { closeSync, ftruncateSync, futimesSync, linkSync, mkdirSync, openSync, statSync, symlinkSync } from 'node:fs';
import { ObjectType, type ObjectTypeCode } from '../core/inventory.ts';

/** An object to be made again elsewhere. Names are strings with one character for each byte (`latin1`). */
export interface LinkableObject {
  readonly path: string;
  readonly type: ObjectTypeCode;
  /** As written; '' for other types. */
  readonly target: string;
}

/**
 * Makes objects of the tree at `from` again below `to` (which is made too) without copying data: files as hard links,
 * or, where they are to have another size or lie on another file system, as sparse files of the same time. Parents
 * must come before their children.
 */
export function linkTree(
  from: string,
  to: string,
  objects: Iterable<LinkableObject>,
  otherSizeBytes: (path: string) => number | null = () => null,
): void {
  mkdirSync(to, { recursive: true });
  for (const { path, type, target } of objects) {
    const made = onDisk(to, path);
    if (type === ObjectType.directory) mkdirSync(made);
    else if (type === ObjectType.symlink) symlinkSync(isAscii(target) ? target : Buffer.from(target, 'latin1'), made);
    else linkFile(onDisk(from, path), made, otherSizeBytes(path));
  }
}

function linkFile(from: string | Buffer, to: string | Buffer, otherSizeBytes: number | null): void {
  if (otherSizeBytes === null) {
    try {
      linkSync(from, to);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    }
  }
  const { size, mtimeMs } = statSync(from);
  const fd = openSync(to, 'wx');
  try {
    ftruncateSync(fd, otherSizeBytes ?? size);
    futimesSync(fd, mtimeMs / 1000, mtimeMs / 1000);
  } finally {
    closeSync(fd);
  }
}

/** Strings are a good deal cheaper to hand to the system than buffers. */
function onDisk(folder: string, path: string): string | Buffer {
  return isAscii(path) ? `${folder}/${path}` : Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, 'latin1')]);
}

function isAscii(path: string): boolean {
  return !/[\x80-\xff]/.test(path);
}
