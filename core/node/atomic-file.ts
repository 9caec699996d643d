import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from './make-folder.ts';
import { naming } from './system-errors.ts';

let serial = 0;

/**
 * Writes a file so that a reader, or a run killed at any moment, finds the old content or the new, never a part:
 * a file beside it, then a rename. The folder is made where it is missing. `durable: false` leaves it to the system
 * when the bytes reach the disk: for many small files that can be made again at any time. Pieces are written as they come.
 */
export function writeFileAtomic(
  file: string,
  content: string | Uint8Array | Iterable<Uint8Array>,
  { durable = true } = {},
): void {
  makeFolder(dirname(file));
  const beside = `${file}.${process.pid}-${serial++}.tmp`;
  try {
    naming(file, () => writePieces(beside, content, durable));
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

function writePieces(file: string, content: string | Uint8Array | Iterable<Uint8Array>, durable: boolean): void {
  const fd = openSync(file, 'w');
  try {
    for (const bytes of piecesOf(content)) {
      for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
    }
    if (durable) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function piecesOf(content: string | Uint8Array | Iterable<Uint8Array>): Iterable<Uint8Array> {
  if (typeof content === 'string') return [Buffer.from(content)];
  return content instanceof Uint8Array ? [content] : content;
}

/** The file's bytes, or null where there is none. */
export function readFileOrNull(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
