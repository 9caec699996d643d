import type { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import { readLeader } from '../../core/node/leader-files.ts';
import { type Context, inContext, plural, type SharedOptions, several, withSharedOptions } from '../context.ts';

export interface CheckOptions {
  readonly mirror: readonly string[];
  readonly tree: string;
  readonly dryRun?: boolean;
}

/** The options of `check`, which `run` takes too. */
export function withCheckOptions(command: Command): Command {
  return command
    .option('--mirror <id>', 'only this mirror; may be given several times', several, [])
    .option('--tree <path>', 'only what lies below this path of the tree', '')
    .option('--dry-run', 'say what would be asked, ask nothing, write nothing');
}

export function registerCheck(program: Command): void {
  withCheckOptions(withSharedOptions(program.command('check')))
    .description('prove every object at every access point')
    .action((options: SharedOptions & CheckOptions) => inContext(options, (context) => checkMirrors(context, options)));
}

export async function checkMirrors(context: Context, options: CheckOptions): Promise<void> {
  const { runCheck } = await import('../../checker/run.ts');
  const config = context.config();
  const { output, progress, signal } = context;
  const { inventory, mirrors } = readLeader(output);
  const unknown = options.mirror.find((id) => !mirrors.mirrors.some((mirror) => mirror.id === id));
  if (unknown !== undefined) {
    const ids = mirrors.mirrors.map((mirror) => mirror.id);
    throw new UsageError(
      `--mirror ${unknown}: no such mirror; there are: ${ids.slice(0, 12).join(', ')}${ids.length > 12 ? ', …' : ''}`,
    );
  }
  const only = { mirrorIds: options.mirror, treePrefix: options.tree.replace(/^\/+|\/+$/g, '') };
  if (options.dryRun === true) {
    const { planCheck } = await import('../../checker/run.ts');
    const plan = planCheck({ inventory, mirrors, only });
    context.print(
      plan,
      plan.map((one) => `${one.accessPointId}: ${plural(one.objects, 'object')} by ${one.method}`).join('\n'),
    );
    return;
  }
  const { userAgent, timeoutMs } = config;
  const summary = await runCheck({
    output,
    inventory,
    mirrors,
    only,
    userAgent,
    timeoutMs,
    nowMs: Date.now,
    progress,
    signal,
  });
  const states = (state: string) => summary.accessPoints.filter((one) => one.state === state).length;
  context.print(
    summary,
    `check: ${plural(summary.accessPoints.length, 'access point')} (${states('up')} up, ${states('failing')} failing, ${states('down')} down); ` +
      `${summary.totals.present.toLocaleString('en')} present, ${summary.totals.absent.toLocaleString('en')} absent, ` +
      `${summary.totals.different.toLocaleString('en')} different, ${summary.totals.failed.toLocaleString('en')} failed`,
  );
  context.throwIfInterrupted();
}
