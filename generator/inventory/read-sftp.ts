import { BoundedNotes } from '../../core/bounded-notes.ts';
import { quoted, RunError, UsageError } from '../../core/errors.ts';
import { ObjectType } from '../../core/inventory.ts';
import { SftpConnection } from '../../core/node/sftp/connection.ts';
import { hasStatus, SftpError, SftpStatus } from '../../core/node/sftp/error.ts';
import type { SftpEntry } from '../../core/node/sftp/piece.ts';
import { sftpPlaceOf } from '../../core/node/sftp/place.ts';
import type { ObjectPath } from '../../core/path.ts';
import { pathFromBytes } from '../../core/path-bytes.ts';
import type { Task } from '../../core/progress.ts';
import type { ReadSource, Source, TreeEntry } from './entry.ts';

const LINKS_AT_ONCE = 64;
const ROOT: TreeEntry = { path: '', type: ObjectType.directory, sizeBytes: -1, mtimeS: 0, target: '' };

/**
 * Reads a directory of another host with all beneath it. Links are not followed. Names that are no UTF-8 cannot be
 * read and are left out. Throws UsageError where there is no such directory, and RunError where a part of it can't be
 * read: a half-read master proves nothing.
 */
export async function readSftp(
  source: Source,
  timeoutMs: number,
  task: Task,
  signal: AbortSignal,
): Promise<ReadSource> {
  const { place, directory } = sftpPlaceOf(source.from, source.access, timeoutMs);
  const failed = (error: unknown) => {
    if (!(error instanceof SftpError)) return error;
    return new RunError(
      `${source.from}: ${signal.aborted ? 'interrupted' : error.message}; the inventory stays as it was`,
    );
  };
  let connection: SftpConnection | null = null;
  try {
    connection = await SftpConnection.open(place, signal);
    return await readTree(connection, directory, source.from, task);
  } catch (error) {
    throw failed(error);
  } finally {
    await connection?.close();
  }
}

/** A file of a source; null where it has none. Throws UsageError and RunError as `readSftp`, also beyond `maxBytes`. */
export async function readSftpFile(
  source: Source,
  path: string,
  maxBytes: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Buffer | null> {
  const { place, directory } = sftpPlaceOf(source.from, source.access, timeoutMs);
  const connection = await SftpConnection.open(place, signal);
  try {
    const file = `${directory.replace(/\/+$/, '')}/${path}`;
    const sizeBytes = await connection.sizeBytes(file);
    if (sizeBytes > maxBytes) throw new RunError(`${source.from}: ${quoted(path)} is longer than ${maxBytes} bytes`);
    return await connection.read(file);
  } catch (error) {
    if (hasStatus(error, SftpStatus.noSuchFile)) return null;
    throw error;
  } finally {
    await connection.close();
  }
}

async function readTree(connection: SftpConnection, root: string, from: string, task: Task): Promise<ReadSource> {
  const notes = new BoundedNotes();
  const entries = [ROOT];
  const waiting: { readonly remote: string; readonly path: ObjectPath }[] = [{ remote: root, path: '' }];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const { remote, path } = at;
    const named = (name: string) => `${remote.replace(/\/+$/, '')}/${name}`;
    const listed = await listDirectory(connection, remote, path === '' ? from : '');
    const links: TreeEntry[] = [];
    for (const { name, type, sizeBytes, mtimeS } of listed) {
      if (!isReadable(name)) {
        notes.add('names cannot be read over SFTP', `${quoted(named(name))}: no name in UTF-8, left out`);
        continue;
      }
      const encoded = pathFromBytes(Buffer.from(name));
      const own = { path: path === '' ? encoded : `${path}/${encoded}`, mtimeS, target: '' };
      if (type === 'directory') {
        entries.push({ ...own, type: ObjectType.directory, sizeBytes: -1 });
        waiting.push({ remote: named(name), path: own.path });
      } else if (type === 'file') {
        // No mirror could ever hold it.
        if (!(sizeBytes >= 0))
          throw new RunError(`${from}: ${quoted(own.path)} is listed without a size; the inventory stays as it was`);
        entries.push({ ...own, type: ObjectType.file, sizeBytes });
      } else if (type === 'symlink')
        links.push({ ...own, type: ObjectType.symlink, sizeBytes: -1, target: named(name) });
      else notes.add('devices, sockets and pipes', `${quoted(own.path)} is a device, socket or pipe: left out`);
    }
    for (let i = 0; i < links.length; i += LINKS_AT_ONCE) {
      const some = links.slice(i, i + LINKS_AT_ONCE);
      const read = await Promise.all(some.map((link) => withTarget(connection, link, notes)));
      entries.push(...read.filter((link) => link !== null));
    }
    task.advance(listed.length);
  }
  return { entries, notes: notes.lines() };
}

/** `from` is given for the root: that it is not there is the person's to mend. */
async function listDirectory(connection: SftpConnection, remote: string, from: string): Promise<SftpEntry[]> {
  try {
    return await connection.list(remote);
  } catch (error) {
    if (from === '' || !hasStatus(error, SftpStatus.noSuchFile)) throw error;
    throw new UsageError(`${from}: no such directory there`);
  }
}

/** A link that had its own path on the host for a target; null where it has vanished, or its target cannot be read. */
async function withTarget(connection: SftpConnection, link: TreeEntry, notes: BoundedNotes): Promise<TreeEntry | null> {
  try {
    const target = await connection.readLink(link.target);
    if (!target.includes('\ufffd')) return { ...link, target: pathFromBytes(Buffer.from(target)) };
    notes.add('targets cannot be read over SFTP', `${quoted(link.path)}: its target is no UTF-8, left out`);
    return null;
  } catch (error) {
    if (hasStatus(error, SftpStatus.noSuchFile)) return null;
    throw error;
  }
}

function isReadable(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0\ufffd]/.test(name);
}
