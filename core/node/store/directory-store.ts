import { readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf, RunError } from '../../errors.ts';
import { readFileOrNull, writeFileAtomic } from '../atomic-file.ts';
import { isLeftover, isSegment, type Store, storeDirectory, storePath } from './contract.ts';

/** Files in a local folder, which is made where it is missing. */
export function directoryStore(folder: string, nowMs: () => number = Date.now): Store {
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
      attempt(storePath(path), 'written', (file) => writeOver(file, bytes, nowMs() / 1000), undefined),
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

function writeOver(file: string, bytes: Uint8Array, nowS: number): void {
  writeFileAtomic(file, bytes);
  const [folder, fileName] = [dirname(file), basename(file)];
  for (const name of readdirSync(folder).filter((name) => name.startsWith(`${fileName}.`))) {
    // Somebody else may have removed it by now.
    const mtimeS = (statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? Number.NaN) / 1000;
    if (isLeftover(fileName, { name, mtimeS }, nowS)) rmSync(join(folder, name), { force: true });
  }
}
