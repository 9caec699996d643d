import { randomBytes } from 'node:crypto';
import { SftpConnection, type SftpEntry, SftpError, type SftpPlace, SftpStatus } from '../sftp.ts';
import { isLeftover, isSegment, type Store, storeDirectory, storePath, TEMPORARY_END } from './contract.ts';

export interface SftpStoreOptions extends SftpPlace {
  /** On the host; absolute, or relative to the user's home. */
  readonly folder: string;
  /** Default: this machine's clock. */
  readonly nowMs?: () => number;
}

/** Without a rename over a file, another writer may always be a moment earlier. */
const RENAME_TRIES = 10;
const MAX_DEPTH = 32;

/**
 * Files in a folder of a host. The connection is made when it is needed and made anew after a cut; what was under way
 * then fails with an error, and is not tried again.
 */
export function sftpStore(options: SftpStoreOptions): Store {
  const fileOf = (path: string) => (path === '' ? options.folder : `${options.folder.replace(/\/+$/, '')}/${path}`);
  let opening: Promise<SftpConnection> | null = null;
  /** What cuts have left behind of our own. */
  const leftovers = new Set<string>();
  /** What lay in a directory when it was first written to, by its path: looked at once, as it may be long and far. */
  const found = new Map<string, Promise<readonly SftpEntry[]>>();
  const removeLost = async (connection: SftpConnection, file: string): Promise<void> => {
    const [directory, name] = [file.slice(0, file.lastIndexOf('/')), file.slice(file.lastIndexOf('/') + 1)];
    const listed = found.get(directory) ?? connection.list(directory).catch(() => []);
    found.set(directory, listed);
    const nowS = (options.nowMs ?? Date.now)() / 1000;
    const lost = (await listed).filter((entry) => entry.type === 'file' && isLeftover(name, entry, nowS));
    for (const entry of lost) await removeLeftover(connection, `${directory}/${entry.name}`, leftovers);
  };
  const connected = async (): Promise<SftpConnection> => {
    const known = opening;
    const before = await known?.catch(() => null);
    if (before?.isOpen === true) return before;
    // Unless somebody else has opened another meanwhile.
    if (opening === known || opening === null) opening = SftpConnection.open(options);
    return opening;
  };
  return {
    read: async (path) => {
      const file = fileOf(storePath(path));
      const connection = await connected();
      return unlessMissing(connection.read(file), null);
    },
    writeAtomic: async (path, bytes) => {
      const file = fileOf(storePath(path));
      const connection = await connected();
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
    list: async (directory) => listAll(await connected(), fileOf, storeDirectory(directory)),
    remove: async (path) => {
      const file = fileOf(storePath(path));
      const connection = await connected();
      await unlessMissing(connection.remove(file), undefined);
    },
    close: async () => {
      const connection = await opening?.catch(() => null);
      opening = null;
      await connection?.close();
    },
  };
}

async function unlessMissing<T>(request: Promise<T>, missing: T): Promise<T> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof SftpError && error.status === SftpStatus.noSuchFile) return missing;
    throw error;
  }
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
    if (!(error instanceof SftpError) || error.status !== SftpStatus.noSuchFile) throw error;
    await makeDirectories(connection, file.slice(0, file.lastIndexOf('/')));
    await connection.create(file, bytes);
  }
}

async function makeDirectories(connection: SftpConnection, directory: string): Promise<void> {
  const above = directory.slice(0, directory.lastIndexOf('/'));
  try {
    await connection.makeDirectory(directory);
  } catch (error) {
    if (!(error instanceof SftpError) || error.status === null) throw error;
    // It may be there already: then making the file tells.
    if (error.status !== SftpStatus.noSuchFile || above === '') return;
    await makeDirectories(connection, above);
    await connection.makeDirectory(directory).catch(() => {});
  }
}

async function replace(connection: SftpConnection, from: string, to: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    await unlessMissing(connection.remove(to), undefined);
    try {
      await connection.rename(from, to);
      return;
    } catch (error) {
      const isThere = error instanceof SftpError && error.status === SftpStatus.failure;
      if (!isThere || tries === RENAME_TRIES) throw error;
    }
  }
}

async function listAll(
  connection: SftpConnection,
  fileOf: (path: string) => string,
  directory: string,
): Promise<string[]> {
  const files: string[] = [];
  const waiting = [{ path: directory, depth: 0 }];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const { path: above, depth } = at;
    const entries = await unlessMissing(connection.list(fileOf(above)), []);
    for (const { name, type } of entries.filter(({ name }) => isSegment(name))) {
      const path = above === '' ? name : `${above}/${name}`;
      if (type === 'directory' && depth < MAX_DEPTH) waiting.push({ path, depth: depth + 1 });
      else if (type === 'file') files.push(path);
    }
  }
  return files.sort();
}
