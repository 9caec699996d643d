import { createHash } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { Mirror } from '../../core/mirror.ts';
import { readLeader } from '../../core/node/leader-files.ts';
import { type Context, inContext, plural, type SharedOptions, several, withSharedOptions } from '../context.ts';

export interface CheckOptions {
  readonly mirror: readonly string[];
  readonly part: Part;
  readonly tree: string;
  readonly dryRun?: boolean;
}

/** One share of the mirrors, for runs that divide them. */
export interface Part {
  readonly number: number;
  readonly of: number;
}

export const WHOLE: Part = { number: 1, of: 1 };

function partOption(value: string): Part {
  const [number, of] = value.split('/').map(Number) as [number, number];
  if (!/^\d+\/\d+$/.test(value) || number < 1 || number > of) {
    throw new InvalidArgumentError('A part is like 1/3: the first of three.');
  }
  return { number, of };
}

/** The options of `check`, which `run` takes too. */
export function withCheckOptions(command: Command): Command {
  return command
    .option('--mirror <id>', 'only this mirror; may be given several times', several, [])
    .option('--part <n/m>', 'only the n-th of m shares of the mirrors', partOption, WHOLE)
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
  const chosen = { ...mirrors, mirrors: chosenMirrors(mirrors.mirrors, options) };
  const only = { mirrorIds: [], treePrefix: options.tree.replace(/^\/+|\/+$/g, '') };
  if (options.dryRun === true) {
    const { planCheck } = await import('../../checker/plan.ts');
    const plan = planCheck(inventory, chosen, only.treePrefix);
    context.print(
      plan,
      plan.map((one) => `${one.accessPointId}: ${plural(one.objects, 'object')} by ${one.method}`).join('\n'),
    );
    return;
  }
  const { userAgent, timeoutMs, hostLimits } = config;
  const summary = await runCheck({
    output,
    inventory,
    mirrors: chosen,
    only,
    userAgent,
    timeoutMs,
    hostLimits,
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

/** Throws UsageError for an id that is not on the list. */
export function chosenMirrors(
  mirrors: readonly Mirror[],
  { mirror: ids, part }: Pick<CheckOptions, 'mirror' | 'part'>,
): readonly Mirror[] {
  const unknown = ids.find((id) => !mirrors.some((mirror) => mirror.id === id));
  if (unknown !== undefined) {
    const first = mirrors.slice(0, 12).map((mirror) => mirror.id);
    const more = mirrors.length > first.length ? ', …' : '';
    throw new UsageError(`--mirror ${unknown}: no such mirror; there are: ${first.join(', ')}${more}`);
  }
  // By a hash of the id, so that a mirror's share does not change when others come and go.
  const shareOf = (id: string) => 1 + (createHash('sha256').update(id).digest().readUInt32BE(0) % part.of);
  return mirrors.filter(({ id }) => (ids.length === 0 || ids.includes(id)) && shareOf(id) === part.number);
}
