import { constants } from 'node:fs';
import {
  access,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rmdir,
  statfs,
  symlink,
  unlink,
} from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, RunError } from '../../../core/errors.ts';
import type { OriginEntry, OriginFiles } from './files.ts';

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; make room, or lower publish.keep',
  EDQUOT: 'the quota is used up; make room, or lower publish.keep',
  EACCES: 'permission denied; give this user the right to write there',
  EPERM: 'permission denied; give this user the right to write there',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
};
/** What means that there is nothing: a path through a file is as missing as one through nothing. */
const MISSING = new Set(['ENOENT', 'ENOTDIR']);
/** What means that a second name can't be given here, or not across here. */
const NO_LINK = new Set(['EPERM', 'EXDEV', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS']);

/** A folder of this machine, which is made where it is missing. */
export function directoryFiles(folder: string): OriginFiles {
  const at = (path: string) => join(folder, path);
  const attempt = async <T>(path: string, work: (file: string) => Promise<T>, missing?: () => T) => {
    try {
      return await work(at(path));
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (missing !== undefined && MISSING.has(code)) return missing();
      throw new RunError(`${at(path)}: ${WORDS[code] ?? messageOf(error)}`);
    }
  };
  return {
    where: folder,
    read: (path) =>
      attempt<Buffer | null>(
        path,
        (file) => readFile(file),
        () => null,
      ),
    list: (directory) => attempt<readonly OriginEntry[]>(directory, entriesOf, () => []),
    write: (path, bytes) => attempt(path, (file) => writeDurably(file, bytes)),
    makeDirectory: (path) => attempt(path, async (file) => void (await mkdir(file, { recursive: true }))),
    renameNew: (from, to) => attempt(to, (file) => renamedToNew(at(from), file)),
    renameOver: (from, to) => attempt(to, (file) => rename(at(from), file)),
    hardLink: (from, to) => attempt(to, (file) => linked(at(from), file)),
    makeLink: (target, path) => attempt(path, (file) => symlink(target, file)),
    readLink: (path) => attempt(path, targetOf, () => null),
    remove: (path) => attempt(path, unlink, () => {}),
    removeDirectory: (path) => attempt(path, rmdir, () => {}),
    freeBytes: () =>
      attempt('', async (file) => {
        const { bavail, bsize } = await statfs(file);
        return bavail * bsize;
      }),
    isCut: () => false,
    close: async () => {},
  };
}

async function entriesOf(directory: string): Promise<OriginEntry[]> {
  const names = await readdir(directory);
  const entries = names.map(async (name): Promise<OriginEntry[]> => {
    const found = await lstat(join(directory, name)).catch(() => null);
    // Gone meanwhile.
    if (found === null) return [];
    const { size: sizeBytes } = found;
    if (found.isFile()) return [{ name, type: 'file', sizeBytes }];
    if (found.isDirectory()) return [{ name, type: 'directory', sizeBytes }];
    return [{ name, type: found.isSymbolicLink() ? 'symlink' : 'other', sizeBytes }];
  });
  return (await Promise.all(entries)).flat();
}

async function writeDurably(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(bytes);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** For files a link, which is made whole or not at all; for directories a look beforehand, under the lock. */
async function renamedToNew(from: string, to: string): Promise<boolean> {
  if ((await lstat(from)).isDirectory()) {
    const isThere = await access(to, constants.F_OK).then(
      () => true,
      () => false,
    );
    if (!isThere) await rename(from, to);
    return !isThere;
  }
  try {
    await link(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  await unlink(from);
  return true;
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (NO_LINK.has((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

async function targetOf(file: string): Promise<string | null> {
  try {
    return await readlink(file);
  } catch (error) {
    // Something else than a link.
    if ((error as NodeJS.ErrnoException).code === 'EINVAL') return null;
    throw error;
  }
}
