import { RunError, UsageError } from '../../core/errors.ts';
import { ObjectType } from '../../core/inventory.ts';
import { listOverRsync } from '../../core/node/rsync.ts';
import type { Task } from '../../core/progress.ts';
import { rsyncTimeS } from '../../core/rsync-list.ts';
import type { ReadSource, TreeEntry } from './entry.ts';

/**
 * Reads a tree over rsync in one pass. Throws UsageError where the URL names no module, and RunError where the
 * listing is not complete: a half-read master proves nothing.
 */
export async function readRsync(url: string, timeoutMs: number, task: Task, signal: AbortSignal): Promise<ReadSource> {
  if (!/^rsync:\/\/[^/\s]+\/[^/\s]/i.test(url)) {
    throw new UsageError(
      `${url}: no rsync URL of a tree; write it as rsync://host/module/ or rsync://host/module/path/`,
    );
  }
  const entries: TreeEntry[] = [];
  const listing = await listOverRsync({
    // Without the slash rsync lists the directory below its own name.
    url: url.endsWith('/') ? url : `${url}/`,
    timeoutMs,
    signal,
    onEntry: ({ path, type, sizeBytes, modified, target }) => {
      // A time that no calendar has is not worth a stop.
      const mtimeS = rsyncTimeS(modified) || 0;
      entries.push({ path, type, sizeBytes: type === ObjectType.file ? sizeBytes : -1, mtimeS, target });
      task.advance(1);
    },
  });
  if (!listing.complete) throw new RunError(`${url}: ${listing.reason}; the inventory stays as it was`);
  const { specials } = listing;
  return { entries, notes: specials === 0 ? [] : [`${url}: devices, sockets or pipes left out: ${specials}`] };
}
