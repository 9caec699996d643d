import { RunError } from '../../../core/errors.ts';
import type { SftpConnection } from '../../../core/node/sftp/connection.ts';
import { hasStatus, SftpError, SftpStatus, unlessMissing } from '../../../core/node/sftp/error.ts';
import { isThere, makeDirectories, SftpFolder, type SftpFolderPlace } from '../../../core/node/sftp/folder.ts';
import type { OriginFiles } from './files.ts';

/** With less left than this a disk counts as full: file systems keep some for themselves. */
const FULL_BYTES = 64 * 1024;

/** A folder of a host. The connection is made when it is needed, and made anew after a cut. */
export function sftpFiles(place: SftpFolderPlace): OriginFiles {
  const folder = new SftpFolder(place);
  const at = (path: string) => folder.at(path);
  const connected = () => folder.connected();
  const freeBytes = async () => (await connected()).freeBytes(place.folder);
  const writing = async <T>(sizeBytes: number, work: (connection: SftpConnection) => Promise<T>): Promise<T> => {
    const connection = await connected();
    try {
      return await work(connection);
    } catch (error) {
      throw await explained(error, sizeBytes, freeBytes);
    }
  };
  return {
    where: `${place.user}@${place.host}:${place.folder}`,
    read: async (path) => unlessMissing((await connected()).read(at(path)), null),
    list: async (directory) => unlessMissing((await connected()).list(at(directory)), []),
    write: (path, bytes) => writing(bytes.length, (connection) => connection.create(at(path), bytes, { over: true })),
    makeDirectory: (path) => writing(0, (connection) => makeDirectories(connection, at(path))),
    renameNew: (from, to) => writing(0, (connection) => renamedToNew(connection, at(from), at(to))),
    renameOver: (from, to) =>
      writing(0, async (connection) => {
        if (await connection.renameOver(at(from), at(to))) return;
        await unlessMissing(connection.remove(at(to)), undefined);
        await connection.rename(at(from), at(to));
      }),
    hardLink: (from, to) => writing(0, (connection) => linked(connection, at(from), at(to))),
    makeLink: (target, path) => writing(0, (connection) => connection.makeLink(target, at(path))),
    readLink: async (path) => {
      const target = unlessMissing<string | null>((await connected()).readLink(at(path)), null);
      // Reading something else than a link is a plain failure.
      return target.catch((error) => {
        if (hasStatus(error, SftpStatus.failure)) return null;
        throw error;
      });
    },
    remove: (path) => writing(0, (connection) => unlessMissing(connection.remove(at(path)), undefined)),
    removeDirectory: (path) =>
      writing(0, (connection) => unlessMissing(connection.removeDirectory(at(path)), undefined)),
    freeBytes,
    isCut: (error) => error instanceof SftpError && error.status === null,
    close: () => folder.close(),
  };
}

/** SFTP's third version has no word for a full disk: it is a failure like others. */
async function explained(error: unknown, sizeBytes: number, freeBytes: () => Promise<number | null>): Promise<unknown> {
  if (hasStatus(error, SftpStatus.permissionDenied)) {
    return new RunError(`${(error as Error).message}; give this user the right to write there`);
  }
  if (!hasStatus(error, SftpStatus.failure)) return error;
  const left = await freeBytes().catch(() => null);
  if (left === null || left > Math.max(sizeBytes, FULL_BYTES)) return error;
  const free = left.toLocaleString('en');
  return new RunError(
    `${(error as Error).message}: the disk is full (${free} bytes left); make room, or lower publish.keep`,
  );
}

async function renamedToNew(connection: SftpConnection, from: string, to: string): Promise<boolean> {
  try {
    await connection.rename(from, to);
    return true;
  } catch (error) {
    if (hasStatus(error, SftpStatus.failure) && (await isThere(connection, to))) return false;
    throw error;
  }
}

async function linked(connection: SftpConnection, from: string, to: string): Promise<boolean> {
  try {
    return await connection.hardLink(from, to);
  } catch (error) {
    // File systems without such links fail plainly; so does a full disk, which the upload then tells.
    if (hasStatus(error, SftpStatus.failure) || hasStatus(error, SftpStatus.permissionDenied)) return false;
    throw error;
  }
}
