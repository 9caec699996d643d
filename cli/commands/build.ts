import type { Command } from 'commander';
import type { ProbedLag } from '../../checker/history.ts';
import { writeFileAtomic } from '../../core/node/atomic-file.ts';
import { readLeader } from '../../core/node/leader-files.ts';
import { readProbes } from '../../core/node/liveness-files.ts';
import { outputLayout } from '../../core/output-layout.ts';
import { type Context, inLockedContext, plural, type SharedOptions, withSharedOptions } from '../context.ts';

export function registerBuild(program: Command): void {
  withSharedOptions(program.command('build'))
    .description('build the maps, the edge function and its keys, and the site’s data')
    .action((options: SharedOptions) => inLockedContext('build', options, buildAll));
}

export async function buildAll(context: Context): Promise<void> {
  const { runBuild } = await import('../../generator/maps/run.ts');
  const { recordLags } = await import('../../checker/history.ts');
  const { writeSiteData } = await import('../../generator/site-data/run.ts');
  const { bundleFunction } = await import('../../edge-shim/bundle.ts');
  const { writeAdapters } = await import('../../edge-shim/write-adapters.ts');
  const { output, progress } = context;
  const { name, fallback, contact, expiryMs, edge } = context.config();
  const nowMs = Date.now();
  const code = await bundleFunction(fallback);
  context.throwIfInterrupted();
  const summary = runBuild({ output, expiryMs, nowMs, progress, rules: edge });
  writeFileAtomic(outputLayout.edgeFunction(output), code);
  await writeAdapters(output, fallback, progress.note);
  recordLags(output, probedLags(output, nowMs), progress.note);
  writeSiteData({ output, name, fallback, contact, expiryMs, nowMs });
  const { objects, unheld, classes, regions, keys, keyBytes, lookUpBytesPerObject } = summary;
  context.print(
    { ...summary, functionBytes: code.length },
    `build: ${plural(objects, 'object')}, ${unheld.toLocaleString('en')} of the tree held by nobody; ` +
      `${classes.toLocaleString('en')} presence classes, ${plural(regions, 'region')}; ` +
      `${plural(keys, 'key')} of ${plural(keyBytes, 'byte')}, ${lookUpBytesPerObject.toFixed(2)} look-up bytes an object; ` +
      `function of ${plural(code.length, 'byte')}`,
  );
}

/** What the last probes say, for the history: they hold no lock, and so write nothing there themselves. */
function probedLags(output: string, nowMs: number): ProbedLag[] {
  const probed = readProbes(output, nowMs / 1000, () => {});
  return readLeader(output)
    .mirrors.mirrors.flatMap(({ accessPoints }) => accessPoints)
    .flatMap((accessPoint) => {
      const record = probed(accessPoint);
      if (record === null || record.stampLagS === null) return [];
      return [{ accessPointId: accessPoint.id, atS: record.liveness.checkedAtS, lagS: record.stampLagS }];
    });
}
