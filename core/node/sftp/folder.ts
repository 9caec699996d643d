import { posix } from 'node:path';
import { SftpConnection } from './connection.ts';
import { hasStatus, SftpStatus } from './error.ts';
import type { SftpPlace } from './place.ts';

/** A folder of a host. */
export interface SftpFolderPlace extends SftpPlace {
  /** On the host; absolute, or relative to the user's home. */
  readonly folder: string;
}

/** A folder of a host. The connection is made when it is needed, and made anew after a cut. */
export class SftpFolder {
  /** Connections tried so far. */
  connections = 0;
  readonly #place: SftpFolderPlace;
  readonly #signal: AbortSignal | undefined;
  readonly #opened: SftpConnection[] = [];
  #opening: Promise<SftpConnection> | null = null;

  /** Raising `signal` cuts its connection. */
  constructor(place: SftpFolderPlace, signal?: AbortSignal) {
    this.#place = place;
    this.#signal = signal;
  }

  /** Sent and received so far, over connections that were let in. */
  get bytes(): number {
    return this.#opened.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Of a path in it ('' = itself), the path on the host. */
  at(path: string): string {
    const { folder } = this.#place;
    return path === '' ? folder : `${folder.replace(/\/+$/, '')}/${path}`;
  }

  /** Throws SftpError. */
  async connected(): Promise<SftpConnection> {
    const known = this.#opening;
    const before = await known?.catch(() => null);
    if (before?.isOpen === true) return before;
    // Unless somebody else has opened another meanwhile.
    if (this.#opening === known || this.#opening === null) this.#opening = this.#open();
    return this.#opening;
  }

  async #open(): Promise<SftpConnection> {
    this.connections++;
    const connection = await SftpConnection.open(this.#place, this.#signal);
    this.#opened.push(connection);
    return connection;
  }

  /** Leaves no connection behind; the next request would make one anew. */
  async close(): Promise<void> {
    const connection = await this.#opening?.catch(() => null);
    this.#opening = null;
    await connection?.close();
  }
}

/** Makes a directory with those above it; nothing where it is there. Throws SftpError. */
export async function makeDirectories(connection: SftpConnection, directory: string): Promise<void> {
  try {
    await makeDirectory(connection, directory);
  } catch (error) {
    const above = posix.dirname(directory);
    if (!hasStatus(error, SftpStatus.noSuchFile) || above === '.' || above === directory) throw error;
    await makeDirectories(connection, above);
    await makeDirectory(connection, directory);
  }
}

async function makeDirectory(connection: SftpConnection, directory: string): Promise<void> {
  try {
    await connection.makeDirectory(directory);
  } catch (error) {
    // It may be there already, perhaps made by another one a moment ago: a plain failure.
    if (hasStatus(error, SftpStatus.noSuchFile) || !(await isThere(connection, directory))) throw error;
  }
}

/** Whether anything is there, at the end of a chain of links. Throws SftpError. */
export function isThere(connection: SftpConnection, path: string): Promise<boolean> {
  return connection.exists(path);
}
