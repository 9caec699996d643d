import { UsageError } from '../../core/errors.ts';
import type { LoadedInventory } from '../../core/inventory.ts';
import type { Progress, Task } from '../../core/progress.ts';
import { canonicalPrefix, combineSources } from './combine-sources.ts';
import type { ReadSource, Source } from './entry.ts';
import { guardRemovals } from './guard-removals.ts';
import { type InventoryChanges, mergeEntries } from './merge-entries.ts';
import { readDirectory } from './read-directory.ts';
import { readRsync } from './read-rsync.ts';
import { readSftp } from './read-sftp.ts';
import { resolveTree } from './resolve-tree.ts';

export interface TakeInventoryOptions {
  /** At least one; together they are the whole tree. */
  readonly sources: readonly Source[];
  /** The inventory before, whose ids stay; null = the first. It is not changed. */
  readonly previous: LoadedInventory | null;
  readonly nowMs: number;
  /** Longest silence of a source that is not local. A local directory answers or fails by itself. */
  readonly timeoutMs: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Marks objects as removed even where that is most of a source. */
  readonly force?: boolean;
}

export interface TakenInventory {
  readonly inventory: LoadedInventory;
  readonly changes: InventoryChanges;
  /** What was left out and why, each a sentence; at most some twenty of a kind. */
  readonly notes: readonly string[];
}

/**
 * Reads all sources and merges them into the inventory. Writes nothing. Throws UsageError for a source that does not
 * exist or collides with another, RunError where one can't be read to its end or suspiciously much is missing.
 */
export async function takeInventory(options: TakeInventoryOptions): Promise<TakenInventory> {
  const { previous, nowMs, progress } = options;
  if (options.sources.length === 0) throw new UsageError('no sources; name a directory or an rsync:// URL');
  const sources = options.sources.map((source) => ({ ...source, prefix: canonicalPrefix(source) }));
  const task = progress.start('inventory', previous?.paths.length ?? 0, 'objects');
  try {
    const read: (Source & ReadSource)[] = [];
    for (const source of sources) read.push({ ...source, ...(await readSource(source, options, task)) });
    const { entries, notes } = resolveTree(combineSources(read));
    if (previous !== null && options.force !== true) {
      guardRemovals(previous, new Set(entries.map(({ path }) => path)), sources);
    }
    return { ...mergeEntries(previous, entries, nowMs), notes: [...read.flatMap((source) => source.notes), ...notes] };
  } finally {
    task.end();
  }
}

function readSource(source: Source, options: TakeInventoryOptions, task: Task): Promise<ReadSource> {
  const { from } = source;
  if (/^rsync:/i.test(from)) return readRsync(from, options.timeoutMs, task, options.signal);
  if (/^sftp:/i.test(from)) return readSftp(source, options.timeoutMs, task, options.signal);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(from)) {
    throw new UsageError(`${from}: the inventory is read from a local directory, an rsync:// or an sftp:// URL only`);
  }
  return readDirectory(from, task, options.signal);
}
