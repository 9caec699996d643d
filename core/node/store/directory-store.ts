import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, RunError } from '../../errors.ts';
import { readFileOrNull, writeFileAtomic } from '../atomic-file.ts';
import { isSegment, type Store, storeDirectory, storePath } from './contract.ts';

/** Files in a local folder, which is made where it is missing. */
export function directoryStore(folder: string): Store {
  const attempt = async <T>(path: string, what: string, work: (file: string) => T, missing: T): Promise<T> => {
    const file = join(folder, path);
    try {
      return work(file);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A path through a file is as missing as one through nothing.
      if (what !== 'written' && (code === 'ENOENT' || code === 'ENOTDIR')) return missing;
      throw new RunError(`${file}: can't be ${what} (${code ?? messageOf(error)})`);
    }
  };
  return {
    read: async (path) => attempt(storePath(path), 'read', readFileOrNull, null),
    writeAtomic: async (path, bytes) =>
      attempt(storePath(path), 'written', (file) => writeFileAtomic(file, bytes), undefined),
    list: async (directory) => {
      const files: string[] = [];
      const waiting = [storeDirectory(directory)];
      for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
        const entries = await attempt(at, 'listed', (file) => readdirSync(file, { withFileTypes: true }), []);
        for (const entry of entries.filter(({ name }) => isSegment(name))) {
          const path = at === '' ? entry.name : `${at}/${entry.name}`;
          if (entry.isDirectory()) waiting.push(path);
          else if (entry.isFile()) files.push(path);
        }
      }
      return files.sort();
    },
    remove: async (path) => attempt(storePath(path), 'removed', (file) => rmSync(file), undefined),
    close: async () => {},
  };
}
