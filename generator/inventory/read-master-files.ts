import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { LAYOUT_PATH, MAX_MASTER_FILE_BYTES, type MasterFiles, STAMP_PATH } from '../../core/master-files.ts';
import { fetchOverRsync } from '../../core/node/rsync-file.ts';
import type { Source } from './entry.ts';
import { readSftpFile } from './read-sftp.ts';

export interface ReadMasterFilesOptions {
  readonly sources: readonly Source[];
  /** What was read before: it stays where a file cannot be read now. */
  readonly before: MasterFiles;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
}

/**
 * Reads the master's freshness stamp and layout from the sources that hold them. What cannot be read is told to `note`
 * and stays as it was, also where a directory is not on this machine; a master without such a file has none.
 */
export async function readMasterFiles(options: ReadMasterFilesOptions): Promise<MasterFiles> {
  // One after the other, so that what is said of them comes in the same order always.
  const stamp = await readOne(STAMP_PATH, options.before.stamp, options);
  const layout = await readOne(LAYOUT_PATH, options.before.layout, options);
  return { stamp, layout };
}

async function readOne(
  path: string,
  before: Buffer | null,
  { sources, timeoutMs, signal, note }: ReadMasterFilesOptions,
): Promise<Buffer | null> {
  for (const source of sources) {
    const { from, prefix } = source;
    if (prefix !== '' && !path.startsWith(`${prefix}/`)) continue;
    const rest = prefix === '' ? path : path.slice(prefix.length + 1);
    try {
      if (/^rsync:/i.test(from)) {
        const url = from.endsWith('/') ? `${from}${rest}` : `${from}/${rest}`;
        const { bytes, reason } = await fetchOverRsync({ url, maxBytes: MAX_MASTER_FILE_BYTES, timeoutMs, signal });
        if (bytes !== null) return bytes;
        note(reason);
        return before;
      }
      if (/^sftp:/i.test(from)) {
        const bytes = await readSftpFile(source, rest, MAX_MASTER_FILE_BYTES, timeoutMs, signal);
        if (bytes === null) continue;
        return bytes;
      }
      const file = join(from, rest);
      if (statSync(file).size <= MAX_MASTER_FILE_BYTES) return readFileSync(file);
      note(`${file}: longer than ${MAX_MASTER_FILE_BYTES} bytes; not compared with the mirrors' own`);
      return null;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && existsSync(from)) continue;
      note(`${from}: ${rest}: ${messageOf(error)}`);
      return before;
    }
  }
  return null;
}
