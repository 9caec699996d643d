import type { Command } from 'commander';
import { readLeader } from '../../core/node/leader-files.ts';
import { type Context, inLockedContext, plural, type SharedOptions, withSharedOptions } from '../context.ts';

export function registerMerge(program: Command): void {
  withSharedOptions(program.command('merge'))
    .description('fold what several vantages found into one file for each access point')
    .argument('[files...]', 'files of checks and probes, or folders with such; default: those of all vantages')
    .action((files: string[], options: SharedOptions) =>
      inLockedContext('merge', options, (context) => mergeVantages(context, files)),
    );
}

export async function mergeVantages(context: Context, sources: readonly string[]): Promise<void> {
  const { mergeFiles } = await import('../../checker/merge-files.ts');
  const { output, progress } = context;
  const summary = mergeFiles({ output, ...readLeader(output), sources, nowMs: Date.now(), progress });
  const { files, accessPoints, probes } = summary;
  const probed = `${plural(probes.files, 'file')} of probes into ${plural(probes.accessPoints, 'access point')}`;
  context.print(
    summary,
    `merge: ${plural(files, 'file')} into ${plural(accessPoints.length, 'access point')}${probes.files > 0 ? `, ${probed}` : ''}`,
  );
}
