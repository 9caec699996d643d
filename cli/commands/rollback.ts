import type { Command } from 'commander';
import { type Context, inContext, type SharedOptions, several, withSharedOptions } from '../context.ts';
import { closeTargets, openTargets } from '../publish-targets.ts';
import { builtFunctionLoaders, publisherName } from './publish.ts';

interface RollbackCommandOptions {
  readonly to?: string;
  readonly target: readonly string[];
  readonly reason?: string;
}

export function registerRollback(program: Command): void {
  withSharedOptions(program.command('rollback'))
    .description('give viewers an older release again')
    .option('--to <release>', 'its id (see "releases"); default: the last one that was published before this')
    .option('--target <name>', 'this target of the configuration alone; may be repeated', several, [])
    .option('--reason <text>', 'why; it is kept in the log')
    // Not locked: a build may be under way, and nothing in the output folder is read.
    .action((options: SharedOptions & RollbackCommandOptions) =>
      inContext(options, (context) => rollBack(context, options)),
    );
}

export async function rollBack(context: Context, { to, target, reason }: RollbackCommandOptions): Promise<void> {
  const { rollback } = await import('../../generator/publish/rollback.ts');
  const { load } = await builtFunctionLoaders();
  const { output, progress, signal } = context;
  const targets = await openTargets(context.config(), output, target, 'rollback', progress.note);
  try {
    const summary = await rollback({
      targets,
      to: to ?? null,
      reason: (reason ?? '').trim().slice(0, 500),
      load,
      by: publisherName(),
      nowMs: Date.now,
      context: { progress, signal },
    });
    const hours = (summary.ageMs / 3_600_000).toFixed(1);
    const from = summary.from === null ? '' : ` after ${summary.from}`;
    context.print(summary, `rollback: release ${summary.to}${from}; its maps are ${hours} h old`);
  } catch (error) {
    context.throwIfInterrupted();
    throw error;
  } finally {
    await closeTargets(targets);
  }
}
