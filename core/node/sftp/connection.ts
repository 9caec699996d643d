import { once } from 'node:events';
import { quoted } from '../../errors.ts';
import { foreignText, hasStatus, SftpError, SftpStatus, unlessMissing } from './error.ts';
import { type FoundEntry, type Piece, pieceOf, type SftpEntry } from './piece.ts';
import type { SftpPlace } from './place.ts';
import { openSession, type SftpSession, type Wrapper } from './session.ts';

type Done<T> = (error: Error | null | undefined, value?: T) => void;

/** Of a file that is written: all its pieces are on their way at once. */
const PIECE_BYTES = 256 * 1024;
/** The reason of a listing that is longer than any. */
export const ENDLESS_LISTING = 'its listing does not end';
/** Some million entries. A server may go on for ever. */
const MAX_LISTING_BYTES = 2 ** 28;
/** The library takes no longer answer. */
const MAX_ANSWER_BYTES = 256 * 1024;
const LOST = 'no such file, in the middle of its listing';
const ODD_ANSWER = 'answers something else than was asked for';
const STATUS_WORDS: Readonly<Record<number, string>> = { 2: 'no such file', 3: 'permission denied', 4: 'failure' };

/** The library's own; its types lack the options. */
type ReadAll = (handle: Buffer, options: { readonly full: true }, done: Done<FoundEntry[]>) => void;

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
  /** Pieces of listings that are asked for and have not come. */
  #piecesUnderWay = 0;

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
   * As `list`, as it comes: it is whole where nothing is thrown. Up to `atOnce` pieces are under way together, as with
   * sshfs: OpenSSH tells a hundred names at a time, which over a long way is a round trip for each hundred. All listings
   * of the connection share that number, beyond one for each: a piece may be large.
   */
  async *batches(
    directory: string,
    { maxBytes = MAX_LISTING_BYTES, atOnce = 1 } = {},
  ): AsyncGenerator<readonly SftpEntry[]> {
    const handle = await this.#handle(directory, (sftp, done) => sftp.opendir(directory, done));
    const underWay = new Map<number, Promise<{ readonly nth: number; readonly piece: Piece | null }>>();
    const ask = (nth: number) => {
      const asked = this.#nextPiece(directory, handle).then((piece) => ({ nth, piece }));
      // Of those that are left behind.
      asked.catch(() => {});
      underWay.set(nth, asked);
    };
    let [bytes, asked, isOver] = [0, 0, false];
    try {
      // Most directories are told at once: it begins with one piece.
      for (let wanted = 1; ; wanted = Math.min(wanted + 1, atOnce)) {
        const left = Math.ceil((maxBytes - bytes) / MAX_ANSWER_BYTES);
        const isRoom = () => underWay.size === 0 || this.#piecesUnderWay < atOnce;
        while (!isOver && underWay.size < Math.max(1, Math.min(wanted, left)) && isRoom()) ask(asked++);
        if (underWay.size === 0) return;
        // As they come: one that waits for those before it takes memory.
        const { nth, piece } = await Promise.race(underWay.values());
        underWay.delete(nth);
        bytes += piece?.bytes ?? 0;
        if (bytes > maxBytes) throw new SftpError(this.#where(directory), ENDLESS_LISTING, null);
        if (piece === null) isOver = true;
        else yield piece.entries;
      }
    } finally {
      await this.#release(directory, handle);
    }
  }

  /** Null = there are no more. */
  async #nextPiece(directory: string, handle: Buffer): Promise<Piece | null> {
    this.#piecesUnderWay++;
    try {
      const found = await this.#call(directory, (sftp, done: Done<FoundEntry[]>) =>
        // Left to itself the library looks for `.` and `..` in whatever kind of answer comes.
        (sftp.readdir as unknown as ReadAll).call(sftp, handle, { full: true }, done),
      );
      if (!Array.isArray(found) || found.some(({ filename }) => typeof filename !== 'string')) {
        throw new SftpError(this.#where(directory), ODD_ANSWER, null);
      }
      return pieceOf(found);
    } catch (error) {
      if (hasStatus(error, SftpStatus.endOfFile)) return null;
      // It is there, since it could be opened.
      if (hasStatus(error, SftpStatus.noSuchFile))
        throw new SftpError(this.#where(directory), LOST, SftpStatus.failure);
      throw error;
    } finally {
      this.#piecesUnderWay--;
    }
  }

  async readLink(path: string): Promise<string> {
    const target: unknown = await this.#call(path, (sftp, done: Done<string>) => sftp.readlink(path, done));
    if (typeof target !== 'string') throw new SftpError(this.#where(path), ODD_ANSWER, null);
    return target;
  }

  /** Of the file at the end of a chain of links. */
  async sizeBytes(path: string): Promise<number> {
    const found = await this.#call(path, (sftp, done: Done<{ size?: number } | undefined>) => sftp.stat(path, done));
    if (!Number.isSafeInteger(found?.size)) throw new SftpError(this.#where(path), 'tells no size', null);
    return found?.size as number;
  }

  /** Whether anything is there, at the end of a chain of links. Some servers tell no size of a directory. */
  exists(path: string): Promise<boolean> {
    const asked = this.#call(path, (sftp, done: Done<unknown>) => sftp.stat(path, done));
    const isThere = (found: unknown) => {
      if (typeof found === 'object' && found !== null && 'mode' in found) return true;
      throw new SftpError(this.#where(path), ODD_ANSWER, null);
    };
    return unlessMissing(asked.then(isThere), false);
  }

  /** The beginning of a file, `maxBytes` of it at most. */
  async readStart(path: string, maxBytes: number): Promise<Buffer> {
    const handle = await this.#handle(path, (sftp, done) => sftp.open(path, 'r', done));
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
      await this.#release(path, handle);
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
    const handle = await this.#handle(path, (sftp, done) => sftp.open(path, flags, 0o644, done));
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
        const bytes = Number(found?.f_bavail) * Number(found?.f_frsize);
        if (error === undefined && Number.isFinite(bytes)) free = bytes;
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

  /** Of a file or a directory that is opened. */
  async #handle(path: string, open: (sftp: Wrapper, done: Done<Buffer>) => void): Promise<Buffer> {
    const handle: unknown = await this.#call(path, open);
    if (!Buffer.isBuffer(handle)) throw new SftpError(this.#where(path), ODD_ANSWER, null);
    return handle;
  }

  /** Closes what was only read. */
  async #release(path: string, handle: Buffer): Promise<void> {
    if (this.isOpen) await this.#call(path, (sftp, done: Done<void>) => sftp.close(handle, done)).catch(() => {});
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
    if (typeof code === 'number')
      return new SftpError(where, STATUS_WORDS[code] ?? foreignText(message, this.#place.user), code);
    if (/^Response missing /.test(message)) return new SftpError(where, ODD_ANSWER, null);
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
