import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import SftpClient from 'ssh2-sftp-client';
import { messageOf, quoted, RunError } from '../errors.ts';

/** A host that is reached over SFTP, and how. */
export interface SftpPlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** The key's text (OpenSSH or PEM), without a passphrase; null = what the ssh-agent of this session holds. */
  readonly privateKey: string | null;
  /** Of the key that the host shows, as `ssh-keygen -l` prints it: `SHA256:` and 43 characters of base64. */
  readonly hostKeySha256: string;
  /** Longest wait for the connection, and longest silence while something is under way. */
  readonly timeoutMs: number;
}

type Wrapper = Awaited<ReturnType<SftpClient['connect']>>;
type Done<T> = (error: Error | null | undefined, value?: T) => void;

/** Status codes of SFTP (draft-ietf-secsh-filexfer-02, 7). */
export const SftpStatus = { endOfFile: 1, noSuchFile: 2, permissionDenied: 3, failure: 4, unsupported: 8 } as const;

/** What an entry is: by the file type bits of its mode, which every server tells the same way. */
export type SftpFileType = 'file' | 'directory' | 'symlink' | 'other';

export interface SftpEntry {
  /** As UTF-8; bytes that are no UTF-8 are U+FFFD, and the entry can't be asked for. */
  readonly name: string;
  readonly type: SftpFileType;
  readonly sizeBytes: number;
  /** Whole seconds since 1970. */
  readonly mtimeS: number;
}

/** A request that failed: with the server's own status, or without one where the connection failed. */
export class SftpError extends RunError {
  override name = 'SftpError';
  /** `SftpStatus`; null where the server did not answer. */
  readonly status: number | null;

  constructor(message: string, status: number | null) {
    super(message);
    this.status = status;
  }
}

/** Of a file that is written: all its pieces are on their way at once. */
const PIECE_BYTES = 256 * 1024;
/** Some million entries. A server may go on for ever. */
const MAX_LISTING_BYTES = 2 ** 28;
/** What an entry takes beside its name. */
const ENTRY_BYTES = 64;
const TYPE_BITS = 0o170000;
const TYPES: Readonly<Record<number, SftpFileType>> = { 32768: 'file', 16384: 'directory', 40960: 'symlink' };
const STATUS_WORDS: Readonly<Record<number, string>> = { 2: 'no such file', 3: 'permission denied', 4: 'failure' };
const WAYS_OUT = 'give another key, or add the public one to the authorized keys there';

/** The fingerprint of a host's key as `ssh-keygen -l` prints it. */
function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/**
 * One connection. Paths are UTF-8. Every method throws SftpError, which names the path, and tells a missing file from
 * any other failure by the server's own status.
 */
export class SftpConnection {
  readonly #sftp: Wrapper;
  readonly #client: SftpClient;
  readonly #socket: Socket;
  readonly #place: SftpPlace;
  /** Rejects when the connection is gone: the library lets some requests wait for ever. */
  readonly #lost: Promise<never>;
  #pending = 0;

  private constructor(client: SftpClient, sftp: Wrapper, socket: Socket, lost: Promise<never>, place: SftpPlace) {
    this.#lost = lost;
    this.#client = client;
    this.#sftp = sftp;
    this.#socket = socket;
    this.#place = place;
  }

  /** Nothing but the key exchange is sent to a host whose key is another. Throws SftpError; raising `signal` cuts it. */
  static async open(place: SftpPlace, signal?: AbortSignal): Promise<SftpConnection> {
    const { host, port, user, privateKey, hostKeySha256, timeoutMs } = place;
    const agent = process.env['SSH_AUTH_SOCK'];
    if (privateKey === null && agent === undefined) {
      throw new SftpError(`${user}@${host}: no key is given and no ssh-agent runs (SSH_AUTH_SOCK is not set)`, null);
    }
    const socket = connect({ host, port });
    const cut = () => void socket.destroy(new Error('interrupted'));
    signal?.addEventListener('abort', cut, { once: true });
    if (signal?.aborted === true) cut();
    socket.once('close', () => signal?.removeEventListener('abort', cut));
    socket.on('error', () => {});
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    const lost = lossOf(socket);
    let shown = '';
    // Its own listeners would print.
    const client = new SftpClient('sftp', { error() {}, end() {}, close() {} });
    try {
      await once(socket, 'connect');
      const connected = client.connect({
        sock: socket,
        username: user,
        ...(privateKey === null ? { agent: agent as string } : { privateKey }),
        hostVerifier: (key: Buffer) => {
          shown = fingerprintOf(key);
          return shown === hostKeySha256;
        },
        // The socket's own time-out is that of silence.
        readyTimeout: timeoutMs * 3,
      });
      const sftp = await Promise.race([connected, lost]);
      socket.setTimeout(0);
      // A server's SFTP may end alone; without it the connection is of no use.
      sftp.once('close', () => socket.destroy());
      return new SftpConnection(client, sftp, socket, lost, place);
    } catch (error) {
      socket.destroy();
      throw new SftpError(`${user}@${host}: ${connectReason(socket.errored ?? error, shown, place)}`, null);
    }
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  /** Without `.` and `..`; to its end, or not at all: one that has no end fails too, after `maxBytes`. */
  async list(directory: string, maxBytes = MAX_LISTING_BYTES): Promise<SftpEntry[]> {
    const handle = await this.#call(directory, (sftp, done: Done<Buffer>) => sftp.opendir(directory, done));
    try {
      const entries: SftpEntry[] = [];
      for (let bytes = 0; bytes <= maxBytes; bytes += ENTRY_BYTES) {
        const batch = await this.#nextEntries(directory, handle);
        if (batch === null) return entries;
        for (const { name } of batch) bytes += ENTRY_BYTES + name.length;
        entries.push(...batch);
      }
      throw new SftpError(`${this.#where(directory)}: its listing does not end`, null);
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
      return found
        .filter(({ filename }) => filename !== '.' && filename !== '..')
        .map(({ filename, attrs }) => ({
          name: filename,
          type: TYPES[attrs.mode & TYPE_BITS] ?? 'other',
          sizeBytes: attrs.size,
          mtimeS: attrs.mtime,
        }));
    } catch (error) {
      if (error instanceof SftpError && error.status === SftpStatus.endOfFile) return null;
      throw error;
    }
  }

  readLink(path: string): Promise<string> {
    return this.#call(path, (sftp, done: Done<string>) => sftp.readlink(path, done));
  }

  /** Of the file at the end of a chain of links. */
  async sizeBytes(path: string): Promise<number> {
    const { size } = await this.#call(path, (sftp, done: Done<{ size: number }>) => sftp.stat(path, done));
    return size;
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
    this.#socket.setTimeout(0);
    if (this.isOpen) {
      // Some servers keep the connection when they are asked to end it.
      this.#client.end().catch(() => {});
      this.#socket.end();
    }
    const closed = this.#socket.closed ? null : once(this.#socket, 'close').catch(() => {});
    this.#socket.destroySoon();
    await closed;
  }

  /** A request of an extension; false where the server does not have it. */
  async #optional(path: string, run: (sftp: Wrapper, done: Done<void>) => void): Promise<boolean> {
    try {
      await this.#call(path, run);
      return true;
    } catch (error) {
      if (error instanceof SftpError && error.status === SftpStatus.unsupported) return false;
      throw error;
    }
  }

  async #call<T>(path: string, run: (sftp: Wrapper, done: Done<T>) => void): Promise<T> {
    // Idle connections may stay silent.
    if (this.#pending++ === 0) this.#socket.setTimeout(this.#place.timeoutMs);
    try {
      const answered = new Promise<T>((resolve, reject) => {
        run(this.#sftp, (error, value) => (error ? reject(error) : resolve(value as T)));
      });
      return await Promise.race([answered, this.#lost]);
    } catch (error) {
      throw this.#failure(path, error);
    } finally {
      if (--this.#pending === 0) this.#socket.setTimeout(0);
    }
  }

  #where(path: string): string {
    return `${this.#place.user}@${this.#place.host}:${quoted(path)}`;
  }

  #failure(path: string, error: unknown): SftpError {
    const where = this.#where(path);
    const { code, message } = error as { code?: unknown; message: string };
    if (typeof code === 'number') return new SftpError(`${where}: ${STATUS_WORDS[code] ?? quoted(message, 80)}`, code);
    // ssh2 says so itself, before it asks.
    if (/does not support this extended request/.test(message)) {
      return new SftpError(`${where}: not supported`, SftpStatus.unsupported);
    }
    return new SftpError(`${where}: ${this.#socket.errored?.message ?? 'the connection was cut'}`, null);
  }
}

function lossOf(socket: Socket): Promise<never> {
  const lost = new Promise<never>((_, reject) => {
    socket.once('close', () => reject(socket.errored ?? new Error('the connection was cut')));
  });
  lost.catch(() => {});
  return lost;
}

function connectReason(error: unknown, shown: string, { hostKeySha256, user }: SftpPlace): string {
  if (shown !== '' && shown !== hostKeySha256) {
    return `its host key is ${shown}, not the one that is expected (${quoted(hostKeySha256, 80)}); nothing was sent`;
  }
  // The library puts the names of its own functions in front.
  const message = messageOf(error).replace(/^(?:\w+: )+/, '');
  if (/authentication methods failed/.test(message)) return `it does not let ${quoted(user)} in; ${WAYS_OUT}`;
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ECONNREFUSED' ? 'connection refused' : `no connection: ${quoted(message, 80)}`;
}
