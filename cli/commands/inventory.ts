import { existsSync, readdirSync } from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import { decodeInventory, encodeInventory } from '../../core/formats/inventory-file.ts';
import { encodeMasterFiles } from '../../core/formats/master-files.ts';
import { encodeMirrors } from '../../core/formats/mirrors-file.ts';
import { grouped } from '../../core/grouped.ts';
import type { MasterFiles } from '../../core/master-files.ts';
import { readFileOrNull, writeFileAtomic } from '../../core/node/atomic-file.ts';
import { readRememberedMasterFiles } from '../../core/node/liveness-files.ts';
import { outputLayout } from '../../core/output-layout.ts';
import { type Context, inLockedContext, plural, type SharedOptions, withSharedOptions } from '../context.ts';

interface InventoryOptions {
  readonly force?: boolean;
}

export function registerInventory(program: Command): void {
  withSharedOptions(program.command('inventory'))
    .description('read the master’s tree and the mirror list')
    .option('--force', 'accept a source that lost more than half of its objects')
    .action((options: SharedOptions & InventoryOptions) =>
      inLockedContext('inventory', options, (context) => takeStock(context, options)),
    );
}

/** The leader's run: both are read before either is written. */
export async function takeStock(context: Context, options: InventoryOptions): Promise<void> {
  const { takeInventory } = await import('../../generator/inventory/take-inventory.ts');
  const { readMirrorList } = await import('../../generator/mirrors/read-mirror-list.ts');
  const config = context.config();
  const { output, progress, signal } = context;
  const nowMs = Date.now();
  const file = outputLayout.inventory(output);
  const bytes = readFileOrNull(file);
  const previous = bytes === null ? null : decodeInventory(bytes, file);
  if (previous === null) throwIfObserved(output, file);
  const { timeoutMs, mirrorList, overrides, sources } = config;
  const mirrors = await readMirrorList({ list: mirrorList, overrides, nowMs, timeoutMs, signal });
  const force = options.force === true;
  const { inventory, changes, notes } = await takeInventory({
    sources,
    previous,
    nowMs,
    timeoutMs,
    progress,
    signal,
    force,
  });
  context.throwIfInterrupted();
  writeFileAtomic(file, encodeInventory(inventory));
  writeFileAtomic(outputLayout.mirrors(output), encodeMirrors(mirrors));
  await refreshMasterFiles(context);
  for (const note of [...notes, ...mirrors.notes]) progress.note(note);
  const accessPoints = mirrors.mirrors.reduce((sum, mirror) => sum + mirror.accessPoints.length, 0);
  context.print(
    {
      ...changes,
      objects: inventory.paths.length,
      mirrors: mirrors.mirrors.length,
      accessPoints,
      notes,
      mirrorNotes: mirrors.notes,
    },
    `inventory: ${plural(changes.added + changes.changed + changes.unchanged, 'object')} in the tree ` +
      `(${grouped(changes.added)} new, ${grouped(changes.changed)} changed, ` +
      `${grouped(changes.removed)} removed); ${plural(mirrors.mirrors.length, 'mirror')} with ${plural(accessPoints, 'access point')}`,
  );
}

/** Observations are columns over the ids of one inventory; over those of another they would be false. */
function throwIfObserved(output: string, file: string): void {
  const folder = outputLayout.observationsFolder(output);
  if (!existsSync(folder) || readdirSync(folder).length === 0) return;
  throw new UsageError(
    `${file}: it is gone, and ${folder} means nothing without it; put it back, or remove that folder and ${outputLayout.objectTable(output)} to begin anew`,
  );
}

/** Reads the master's stamp and layout again, and keeps them for the probes; what cannot be read stays as it was. */
export async function refreshMasterFiles(context: Context): Promise<MasterFiles> {
  const { readMasterFiles } = await import('../../generator/inventory/read-master-files.ts');
  const { sources, timeoutMs } = context.config();
  const { output, progress, signal } = context;
  const before = readRememberedMasterFiles(output);
  const files = await readMasterFiles({ sources, before, timeoutMs, signal, note: progress.note });
  writeFileAtomic(outputLayout.masterFiles(output), encodeMasterFiles(files));
  return files;
}
