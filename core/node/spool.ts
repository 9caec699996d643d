import { closeSync, openSync, readSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CHUNK_BYTES = 64 * 1024;
let serial = 0;

/**
 * A file without a name for a child process to write to, read from behind while it grows. A program that writes line
 * by line wakes a reader of a pipe for every line and waits for it; here neither waits for the other.
 */
export class Spool {
  /** For the child's stdio. */
  readonly fd: number;
  /** Bytes that were read. */
  position = 0;
  readonly #chunk = Buffer.allocUnsafe(CHUNK_BYTES);

  constructor() {
    const file = join(tmpdir(), `redirector-${process.pid}-${serial++}.spool`);
    this.fd = openSync(file, 'wx+', 0o600);
    // It lives as long as somebody holds it open: a run that is killed leaves nothing behind.
    unlinkSync(file);
  }

  /** What has come since the last call, at most one chunk; null = nothing yet. Valid until the next call. */
  read(): Buffer | null {
    const count = readSync(this.fd, this.#chunk, 0, CHUNK_BYTES, this.position);
    this.position += count;
    return count === 0 ? null : this.#chunk.subarray(0, count);
  }

  close(): void {
    closeSync(this.fd);
  }
}
