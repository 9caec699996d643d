import { lstatSync, readdirSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { BoundedNotes } from '../../core/bounded-notes.ts';
import { messageOf, quoted, RunError, UsageError } from '../../core/errors.ts';
import { ObjectType } from '../../core/inventory.ts';
import { pathFromLatin1 } from '../../core/path-bytes.ts';
import type { Task } from '../../core/progress.ts';
import type { ReadSource, TreeEntry } from './entry.ts';

/** A path on this machine with one character for each byte, and the same place in the tree. */
interface Folder {
  readonly latin1: string;
  readonly path: string;
}

const pathBytes = (latin1: string) => Buffer.from(latin1, 'latin1');

/**
 * Reads a local directory with all beneath it. Names are bytes: they are read as latin1, which loses none. Links are
 * not followed, but the directory itself may be one. Throws UsageError where it is no directory and RunError where a
 * part of it can't be read: a half-read master proves nothing. Files that vanish meanwhile are simply not there.
 * Aborted, it throws the signal's reason.
 */
export async function readDirectory(directory: string, task: Task, signal: AbortSignal): Promise<ReadSource> {
  const notes = new BoundedNotes();
  const entries = [rootEntry(directory)];
  const waiting: Folder[] = [{ latin1: Buffer.from(directory).toString('latin1'), path: '' }];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    signal.throwIfAborted();
    const names = attempt(folder, directory, () => readdirSync(pathBytes((folder as Folder).latin1), 'latin1'));
    for (const name of names) readEntry(folder, name, directory, { entries, waiting, notes });
    task.advance(names.length);
    await setImmediate();
  }
  return { entries, notes: notes.lines() };
}

function readEntry(
  folder: Folder,
  name: string,
  directory: string,
  found: { readonly entries: TreeEntry[]; readonly waiting: Folder[]; readonly notes: BoundedNotes },
): void {
  const encoded = pathFromLatin1(name);
  const at = { latin1: `${folder.latin1}/${name}`, path: folder.path === '' ? encoded : `${folder.path}/${encoded}` };
  const bytes = pathBytes(at.latin1);
  const stats = attemptVanishing(at, directory, () => lstatSync(bytes));
  if (stats === null) return;
  const mtimeS = wholeSeconds(stats);
  if (stats.isFile()) {
    found.entries.push({ path: at.path, type: ObjectType.file, sizeBytes: stats.size, mtimeS, target: '' });
  } else if (stats.isSymbolicLink()) {
    const target = attemptVanishing(at, directory, () => readlinkSync(bytes, 'latin1'));
    if (target === null) return;
    found.entries.push({
      path: at.path,
      type: ObjectType.symlink,
      sizeBytes: -1,
      mtimeS,
      target: pathFromLatin1(target),
    });
  } else if (stats.isDirectory()) {
    found.entries.push({ path: at.path, type: ObjectType.directory, sizeBytes: -1, mtimeS, target: '' });
    found.waiting.push(at);
  } else {
    found.notes.add('devices, sockets and pipes', `${quoted(at.path)} is a device, socket or pipe: left out`);
  }
}

function rootEntry(directory: string): TreeEntry {
  let stats: Stats;
  try {
    stats = statSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(directory, '', error);
    throw new UsageError(`${directory}: no such directory; name the master's directory, or an rsync:// URL`);
  }
  if (!stats.isDirectory()) {
    throw new UsageError(`${directory}: not a directory; name the master's directory, or an rsync:// URL`);
  }
  return { path: '', type: ObjectType.directory, sizeBytes: -1, mtimeS: wholeSeconds(stats), target: '' };
}

function wholeSeconds(stats: Stats): number {
  return Math.floor(stats.mtimeMs / 1000);
}

function attempt<T>(at: Folder, directory: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unreadable(directory, at.path, error);
  }
}

function attemptVanishing<T>(at: Folder, directory: string, read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unreadable(directory, at.path, error);
  }
}

function unreadable(directory: string, path: string, error: unknown): RunError {
  const reason = (error as NodeJS.ErrnoException).code ?? messageOf(error);
  const where = path === '' ? '' : `: ${quoted(path)}`;
  return new RunError(`${directory}${where} can't be read (${reason}); the inventory stays as it was`);
}
