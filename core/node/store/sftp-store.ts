import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import type { SftpConnection } from '../sftp/connection.ts';
import { hasStatus, SftpError, SftpStatus, unlessMissing } from '../sftp/error.ts';
import { makeDirectories, SftpFolder, type SftpFolderPlace } from '../sftp/folder.ts';
import type { SftpEntry } from '../sftp/piece.ts';
import { isLeftover, isSegment, type Store, storeDirectory, storePath, TEMPORARY_END } from './contract.ts';

/** Without a rename over a file, another writer may always be a moment earlier. */
const RENAME_TRIES = 10;
const MAX_DEPTH = 32;

/**
 * Files in a folder of a host. The connection is made when it is needed and made anew after a cut; what was under way
 * then fails with an error, and is not tried again.
 */
export function sftpStore(place: SftpFolderPlace, nowMs: () => number = Date.now): Store {
  const folder = new SftpFolder(place);
  /** What cuts have left behind of our own. */
  const leftovers = new Set<string>();
  /** What lay in a directory when it was first written to, by its path: looked at once, as it may be long and far. */
  const found = new Map<string, Promise<readonly SftpEntry[]>>();
  const removeLost = async (connection: SftpConnection, file: string): Promise<void> => {
    const [directory, name] = [posix.dirname(file), posix.basename(file)];
    const listed = found.get(directory) ?? connection.list(directory).catch(() => []);
    found.set(directory, listed);
    const lost = (await listed).filter((entry) => entry.type === 'file' && isLeftover(name, entry, nowMs() / 1000));
    for (const entry of lost) await removeLeftover(connection, `${directory}/${entry.name}`, leftovers);
  };
  return {
    read: async (path) => {
      const file = folder.at(storePath(path));
      return unlessMissing((await folder.connected()).read(file), null);
    },
    writeAtomic: async (path, bytes) => {
      const file = folder.at(storePath(path));
      const connection = await folder.connected();
      for (const leftover of leftovers) await removeLeftover(connection, leftover, leftovers);
      const beside = `${file}.${randomBytes(8).toString('hex')}${TEMPORARY_END}`;
      try {
        await createBeneath(connection, beside, bytes);
        if (!(await connection.renameOver(beside, file))) await replace(connection, beside, file);
        await removeLost(connection, file);
      } catch (error) {
        leftovers.add(beside);
        if (connection.isOpen) await removeLeftover(connection, beside, leftovers);
        throw error;
      }
    },
    list: async (directory) => listAll(folder, storeDirectory(directory)),
    remove: async (path) => {
      const file = folder.at(storePath(path));
      await unlessMissing((await folder.connected()).remove(file), undefined);
    },
    close: () => folder.close(),
  };
}

async function removeLeftover(connection: SftpConnection, file: string, leftovers: Set<string>): Promise<void> {
  try {
    await unlessMissing(connection.remove(file), undefined);
    leftovers.delete(file);
  } catch (error) {
    if (!(error instanceof SftpError)) throw error;
  }
}

/** With the directories above it, where it turns out that they are missing. */
async function createBeneath(connection: SftpConnection, file: string, bytes: Uint8Array): Promise<void> {
  try {
    await connection.create(file, bytes);
  } catch (error) {
    if (!hasStatus(error, SftpStatus.noSuchFile)) throw error;
    await makeDirectories(connection, file.slice(0, file.lastIndexOf('/')));
    await connection.create(file, bytes);
  }
}

async function replace(connection: SftpConnection, from: string, to: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    await unlessMissing(connection.remove(to), undefined);
    try {
      await connection.rename(from, to);
      return;
    } catch (error) {
      if (!hasStatus(error, SftpStatus.failure) || tries === RENAME_TRIES) throw error;
    }
  }
}

async function listAll(folder: SftpFolder, directory: string): Promise<string[]> {
  const connection = await folder.connected();
  const files: string[] = [];
  const waiting = [{ path: directory, depth: 0 }];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const { path: above, depth } = at;
    const entries = await unlessMissing(connection.list(folder.at(above)), []);
    for (const { name, type } of entries.filter(({ name }) => isSegment(name))) {
      const path = above === '' ? name : `${above}/${name}`;
      if (type === 'directory' && depth < MAX_DEPTH) waiting.push({ path, depth: depth + 1 });
      else if (type === 'file') files.push(path);
    }
  }
  return files.sort();
}
