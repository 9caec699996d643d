import { once } from 'node:events';
import { quoted } from '../../errors.ts';
import { hasStatus, SftpError, SftpStatus } from './error.ts';
import type { SftpPlace } from './place.ts';
import { openSession, type SftpSession, type Wrapper } from './session.ts';

type Done<T> = (error: Error | null | undefined, value?: T) => void;

/** What an entry is: by the file type bits of its mode, which every server tells the same way. */
export type SftpFileType = 'file' | 'directory' | 'symlink' | 'other';

export interface SftpEntry {
  /** As UTF-8; bytes that are no UTF-8 are U+FFFD, and the entry can't be asked for. */
  readonly name: string;
  readonly type: SftpFileType;
  /** NaN where the server tells none. */
  readonly sizeBytes: number;
  /** Whole seconds since 1970. */
  readonly mtimeS: number;
}

/** Of a file that is written: all its pieces are on their way at once. */
const PIECE_BYTES = 256 * 1024;
/** The reason of a listing that is longer than any. */
export const ENDLESS_LISTING = 'its listing does not end';
/** Some million entries. A server may go on for ever. */
const MAX_LISTING_BYTES = 2 ** 28;
/** What an entry takes beside its name. */
const ENTRY_BYTES = 64;
const LOST = 'no such file, in the middle of its listing';
const ODD_ANSWER = 'answers something else than was asked for';
const TYPE_BITS = 0o170000;
const TYPES: Readonly<Record<number, SftpFileType>> = { 32768: 'file', 16384: 'directory', 40960: 'symlink' };
const STATUS_WORDS: Readonly<Record<number, string>> = { 2: 'no such file', 3: 'permission denied', 4: 'failure' };

/**
 * One connection. Paths are UTF-8. Every method throws SftpError, which names the path, and tells a missing file from
 * any other failure by the server's own status.
 */
export class SftpConnection {
  readonly #session: SftpSession;
  readonly #place: SftpPlace;
  /** What those that wait for an answer are told when the connection is lost. */
  readonly #waiting = new Set<(error: Error) => void>();
  #lost: Error | null = null;

  private constructor(session: SftpSession, place: SftpPlace) {
    this.#session = session;
    this.#place = place;
    // One listener: a race of each request with it would keep every answer for as long as the connection lasts.
    session.lost.catch((error: Error) => {
      this.#lost = error;
      for (const reject of this.#waiting) reject(error);
    });
  }

  /** Nothing but the key exchange is sent to a host whose key is another. Throws SftpError; raising `signal` cuts it. */
  static async open(place: SftpPlace, signal?: AbortSignal): Promise<SftpConnection> {
    return new SftpConnection(await openSession(place, signal), place);
  }

  get isOpen(): boolean {
    return !this.#session.socket.destroyed && this.#session.socket.writable;
  }

  /** Sent and received so far. */
  get bytes(): number {
    return this.#session.socket.bytesRead + this.#session.socket.bytesWritten;
  }

  /** Without `.` and `..`; to its end, or not at all: one that has no end fails too, after `maxBytes`. */
  async list(directory: string, maxBytes = MAX_LISTING_BYTES): Promise<SftpEntry[]> {
    const entries: SftpEntry[] = [];
    for await (const batch of this.batches(directory, { maxBytes })) entries.push(...batch);
    return entries;
  }

  /**
   * As `list`, as it comes: it is whole where nothing is thrown. Up to `atOnce` pieces are asked for together, as sshfs
   * does: OpenSSH tells a hundred names at a time, which over a long way is a round trip for each hundred.
   */
  async *batches(
    directory: string,
    { maxBytes = MAX_LISTING_BYTES, atOnce = 1 } = {},
  ): AsyncGenerator<readonly SftpEntry[]> {
    const handle = await this.#call(directory, (sftp, done: Done<Buffer>) => sftp.opendir(directory, done));
    try {
      // Most directories are told at once: it begins with one piece.
      for (let bytes = 0, wanted = 1; bytes <= maxBytes; wanted = Math.min(2 * wanted, atOnce)) {
        const asked = Array.from({ length: wanted }, () => this.#nextEntries(directory, handle));
        const batches = await Promise.all(asked);
        for (const batch of batches) {
          bytes += ENTRY_BYTES;
          for (const { name } of batch ?? []) bytes += ENTRY_BYTES + name.length;
          if (batch !== null) yield batch;
        }
        if (batches.includes(null)) return;
      }
      throw new SftpError(this.#where(directory), ENDLESS_LISTING, null);
    } finally {
      if (this.isOpen)
        await this.#call(directory, (sftp, done: Done<void>) => sftp.close(handle, done)).catch(() => {});
    }
  }

  /** Null = there are no more. */
  async #nextEntries(directory: string, handle: Buffer): Promise<SftpEntry[] | null> {
    try {
      type Found = Parameters<Parameters<Wrapper['readdir']>[1]>[1];
      const found = await this.#call(directory, (sftp, done: Done<Found>) => sftp.readdir(handle, done));
      // The library hands on whatever kind of answer comes.
      if (!Array.isArray(found)) throw new SftpError(this.#where(directory), ODD_ANSWER, null);
      return found
        .filter(({ filename }) => filename !== '.' && filename !== '..')
        .map(({ filename, attrs }) => ({
          name: filename,
          type: TYPES[attrs.mode & TYPE_BITS] ?? 'other',
          sizeBytes: attrs.size ?? Number.NaN,
          mtimeS: attrs.mtime,
        }));
    } catch (error) {
      if (hasStatus(error, SftpStatus.endOfFile)) return null;
      // It is there, since it could be opened.
      if (hasStatus(error, SftpStatus.noSuchFile))
        throw new SftpError(this.#where(directory), LOST, SftpStatus.failure);
      throw error;
    }
  }

  async readLink(path: string): Promise<string> {
    const target: unknown = await this.#call(path, (sftp, done: Done<string>) => sftp.readlink(path, done));
    if (typeof target !== 'string') throw new SftpError(this.#where(path), ODD_ANSWER, null);
    return target;
  }

  /** Of the file at the end of a chain of links. */
  async sizeBytes(path: string): Promise<number> {
    const found = await this.#call(path, (sftp, done: Done<{ size?: number }>) => sftp.stat(path, done));
    if (!Number.isSafeInteger(found?.size)) throw new SftpError(this.#where(path), 'tells no size', null);
    return found.size as number;
  }

  /** The beginning of a file, `maxBytes` of it at most. */
  async readStart(path: string, maxBytes: number): Promise<Buffer> {
    const handle = await this.#call(path, (sftp, done: Done<Buffer>) => sftp.open(path, 'r', done));
    try {
      const buffer = Buffer.alloc(maxBytes);
      let length = 0;
      for (let bytes = -1; bytes !== 0 && length < maxBytes; length += bytes) {
        bytes = await this.#call(path, (sftp, done: Done<number>) =>
          sftp.read(handle, buffer, length, maxBytes - length, length, (error, count) => done(error, count)),
        );
      }
      return buffer.subarray(0, length);
    } finally {
      if (this.isOpen) await this.#call(path, (sftp, done: Done<void>) => sftp.close(handle, done)).catch(() => {});
    }
  }

  read(path: string): Promise<Buffer> {
    return this.#call(path, (sftp, done: Done<Buffer>) => sftp.readFile(path, done));
  }

  /**
   * Makes a file that is not there yet (`over`: or writes over what is there, which is not atomic), and sees to it that
   * its bytes reach the disk where the server can do so.
   */
  async create(path: string, bytes: Uint8Array, { over = false } = {}): Promise<void> {
    const flags = over ? 'w' : 'wx';
    const handle = await this.#call(path, (sftp, done: Done<Buffer>) => sftp.open(path, flags, 0o644, done));
    try {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const starts = Array.from({ length: Math.ceil(buffer.length / PIECE_BYTES) }, (_, i) => i * PIECE_BYTES);
      // A far server is busy with one piece while others are on their way.
      const pieces = starts.map((start) => {
        const length = Math.min(PIECE_BYTES, buffer.length - start);
        return this.#call(path, (sftp, done: Done<void>) => sftp.write(handle, buffer, start, length, start, done));
      });
      await Promise.all(pieces);
      await this.#optional(path, (sftp, done) => sftp.ext_openssh_fsync(handle, done));
    } finally {
      if (this.isOpen) await this.#call(path, (sftp, done: Done<void>) => sftp.close(handle, done));
    }
  }

  /** Renames over what is there in one step. False where the server knows no such thing (posix-rename@openssh.com). */
  renameOver(from: string, to: string): Promise<boolean> {
    return this.#optional(to, (sftp, done) => sftp.ext_openssh_rename(from, to, done));
  }

  /** Fails with `SftpStatus.failure` where `to` is there already. */
  rename(from: string, to: string): Promise<void> {
    return this.#call(to, (sftp, done: Done<void>) => sftp.rename(from, to, done));
  }

  remove(path: string): Promise<void> {
    return this.#call(path, (sftp, done: Done<void>) => sftp.unlink(path, done));
  }

  removeDirectory(path: string): Promise<void> {
    return this.#call(path, (sftp, done: Done<void>) => sftp.rmdir(path, done));
  }

  makeLink(target: string, path: string): Promise<void> {
    return this.#call(path, (sftp, done: Done<void>) => sftp.symlink(target, path, done));
  }

  /** A second name for a file. False where the server knows no such thing (hardlink@openssh.com). */
  hardLink(from: string, to: string): Promise<boolean> {
    return this.#optional(to, (sftp, done) => sftp.ext_openssh_hardlink(from, to, done));
  }

  /** Of the file system that holds the path; null where the server does not tell (statvfs@openssh.com). */
  async freeBytes(path: string): Promise<number | null> {
    let free: number | null = null;
    await this.#optional(path, (sftp, done) =>
      sftp.ext_openssh_statvfs(path, (error, found) => {
        if (error === undefined) free = Number(found.f_bavail) * Number(found.f_frsize);
        done(error);
      }),
    );
    return free;
  }

  makeDirectory(path: string): Promise<void> {
    return this.#call(path, (sftp, done: Done<void>) => sftp.mkdir(path, done));
  }

  async close(): Promise<void> {
    this.#session.socket.setTimeout(0);
    if (this.isOpen) {
      // Some servers keep the connection when they are asked to end it.
      this.#session.client.end().catch(() => {});
      this.#session.socket.end();
    }
    const closed = this.#session.socket.closed ? null : once(this.#session.socket, 'close').catch(() => {});
    this.#session.socket.destroySoon();
    await closed;
  }

  /** A request of an extension; false where the server does not have it. */
  async #optional(path: string, run: (sftp: Wrapper, done: Done<void>) => void): Promise<boolean> {
    try {
      await this.#call(path, run);
      return true;
    } catch (error) {
      if (hasStatus(error, SftpStatus.unsupported)) return false;
      throw error;
    }
  }

  async #call<T>(path: string, run: (sftp: Wrapper, done: Done<T>) => void): Promise<T> {
    // Idle connections may stay silent.
    if (this.#waiting.size === 0) this.#session.socket.setTimeout(this.#place.timeoutMs);
    let stopWaiting = (_: Error) => {};
    try {
      return await new Promise<T>((resolve, reject) => {
        stopWaiting = reject;
        this.#waiting.add(reject);
        if (this.#lost !== null) reject(this.#lost);
        else run(this.#session.sftp, (error, value) => (error ? reject(error) : resolve(value as T)));
      });
    } catch (error) {
      throw this.#failure(path, error);
    } finally {
      this.#waiting.delete(stopWaiting);
      if (this.#waiting.size === 0) this.#session.socket.setTimeout(0);
    }
  }

  #where(path: string): string {
    return `${this.#place.user}@${this.#place.host}:${quoted(path)}`;
  }

  #failure(path: string, error: unknown): SftpError {
    const where = this.#where(path);
    const { code, message } = error as { code?: unknown; message: string };
    if (typeof code === 'number') return new SftpError(where, STATUS_WORDS[code] ?? quoted(message, 80), code);
    // ssh2 says so itself, before it asks.
    if (/does not support this extended request/.test(message)) {
      return new SftpError(where, 'not supported', SftpStatus.unsupported);
    }
    const { errored } = this.#session.socket;
    // Its SFTP may have ended a moment before the connection does.
    this.#session.socket.destroy();
    return new SftpError(where, errored?.message ?? 'the connection was cut', null, errored);
  }
}
