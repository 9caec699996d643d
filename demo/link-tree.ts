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
 * or, on another file system, as sparse files of the same size and time. Parents must come before their children.
 */
export function linkTree(from: string, to: string, objects: Iterable<LinkableObject>): void {
  mkdirSync(to, { recursive: true });
  for (const { path, type, target } of objects) {
    const made = onDisk(to, path);
    if (type === ObjectType.directory) mkdirSync(made);
    else if (type === ObjectType.symlink) symlinkSync(Buffer.from(target, 'latin1'), made);
    else linkFile(onDisk(from, path), made);
  }
}

function linkFile(from: Buffer, to: Buffer): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    const { size, mtimeMs } = statSync(from);
    writeSparse(to, size, mtimeMs / 1000);
  }
}

/** Makes a file of zeros that takes no disk. Throws where the name is taken. */
export function writeSparse(path: Buffer, sizeBytes: number, mtimeS: number): void {
  const fd = openSync(path, 'wx');
  try {
    ftruncateSync(fd, sizeBytes);
    futimesSync(fd, mtimeS, mtimeS);
  } finally {
    closeSync(fd);
  }
}

/** Where an object lies on disk; `path` has one character for each byte. */
export function onDisk(folder: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, 'latin1')]);
}
