import { createHash } from 'node:crypto';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { PlannedPoint } from '../../checker/plan.ts';
import type { CheckSummary } from '../../checker/run.ts';
import type { Only } from '../../checker/schedule.ts';
import { UsageError } from '../../core/errors.ts';
import { grouped } from '../../core/grouped.ts';
import type { Mirror } from '../../core/mirror.ts';
import { keepHeapSmall } from '../../core/node/heap.ts';
import { openInventory, readMirrors } from '../../core/node/leader-files.ts';
import type { Liveness } from '../../core/observations.ts';
import type { Config } from '../config.ts';
import { mirrorKey } from '../config-sftp.ts';
import { throwUnlessVantage } from '../config-vantage.ts';
import { noteMissingContact } from '../contact.ts';
import {
  type Context,
  durationOption,
  inContext,
  inLockedContext,
  plural,
  type SharedOptions,
  several,
  withSharedOptions,
} from '../context.ts';

/** Which mirrors are asked. */
export interface MirrorOptions {
  readonly mirror: readonly string[];
  readonly part: Part;
  readonly vantage?: string;
}

export interface CheckOptions extends MirrorOptions {
  readonly tree: string;
  readonly dryRun?: boolean;
  readonly only?: Only;
  /** Every object, due or not. */
  readonly full?: boolean;
  /** In milliseconds. */
  readonly budget?: number;
}

/** One share of the mirrors, for runs that divide them. */
export interface Part {
  readonly number: number;
  readonly of: number;
}

/** In a period of a second everyone's turn has come. */
const FULL_PERIOD_MS = 1000;

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
    .option('--budget <time>', 'stop after this time, with the most important done', durationOption)
    .addOption(
      new Option('--only <kind>', 'only what is new, or expired (and failed)').choices(['new', 'expired', 'all']),
    )
    .option('--full', 'every object by a check of its own, due or not')
    .option('--vantage <name>', 'only the mirrors of this vantage, into files of its own; see "merge"')
    .option('--dry-run', 'say what would be asked, ask nothing, write nothing');
}

export function registerCheck(program: Command): void {
  withCheckOptions(withSharedOptions(program.command('check')))
    .description('prove every object at every access point: what is due, the most important first')
    .action((options: SharedOptions & CheckOptions) => {
      const check = (context: Context) => checkMirrors(context, options);
      return options.dryRun === true ? inContext(options, check) : inLockedContext('check', options, check);
    });
}

export async function checkMirrors(context: Context, options: CheckOptions): Promise<void> {
  const { FirstListings } = await import('../../checker/first-listings.ts');
  const config = context.config();
  const { output, progress, signal } = context;
  const list = readMirrors(output);
  const mirrors = { ...list, mirrors: await askedMirrors(list.mirrors, config, options) };
  if (options.dryRun !== true) noteMissingContact(context, config, mirrors.mirrors);
  const { userAgent, timeoutMs, hostLimits, expiryMs, checkpointMs } = config;
  const periodMs = options.full === true ? FULL_PERIOD_MS : config.periodMs;
  const treePrefix = options.tree.replace(/^\/+|\/+$/g, '');
  const [only, vantage] = [options.only ?? 'all', options.vantage ?? ''];
  const shared = { output, vantage, only, timeoutMs, signal };
  const firstListings = new FirstListings();
  // Before the inventory is read: of its strings so much survives that the space of young objects would double.
  const letHeapGrow = keepHeapSmall();
  let opened: ReturnType<typeof openInventory> | null = null;
  try {
    if (options.dryRun !== true)
      await firstListings.begin({ ...shared, mirrors: mirrors.mirrors, treePrefix, nowMs: Date.now() });
    opened = openInventory(output);
    const run = {
      sftpKey: mirrorKey(config.sftpKeyFile, mirrors.mirrors, progress.note),
      ...{ ...shared, mirrors, userAgent, hostLimits, periodMs, expiryMs, checkpointMs, progress, firstListings },
      inventory: opened.inventory,
      chosen: { mirrorIds: [], treePrefix },
      budgetMs: options.budget ?? null,
      nowMs: Date.now,
    };
    const { inSeconds, runCheck } = await import('../../checker/run.ts');
    if (options.dryRun === true) {
      const { planCheck } = await import('../../checker/plan.ts');
      const plan = await planCheck({ ...run, ...inSeconds(run, Date.now()), note: progress.note });
      context.print(
        plan,
        plan.every(({ objects }) => objects === 0) ? 'check: nothing is due' : plan.map(plannedText).join('\n'),
      );
      return;
    }
    const summary = await runCheck(run);
    context.print(summary, summaryText(summary));
    context.throwIfInterrupted();
  } finally {
    firstListings.drop();
    opened?.close();
    letHeapGrow();
  }
}

function plannedText({ accessPointId, method, objects, phases }: PlannedPoint): string {
  const parts = Object.entries(phases).filter(([, count]) => count > 0);
  const why = parts.map(([name, count]) => `${grouped(count)} ${name}`).join(', ');
  return `${accessPointId}: ${plural(objects, 'object')} by ${method}${why === '' ? '' : ` (${why})`}`;
}

function summaryText({ accessPoints, totals, outOfBudget, left }: CheckSummary): string {
  const states = (state: string) => accessPoints.filter((one) => one.state === state).length;
  const busy = accessPoints.filter(({ isBusy }) => isBusy).length;
  if (accessPoints.length === 0 && !outOfBudget) return 'check: nothing is due';
  const rest = Object.entries(left).filter(([, count]) => count > 0);
  const waiting = rest.map(([name, count]) => `${grouped(count)} ${name}`).join(', ');
  return (
    `check: ${plural(accessPoints.length, 'access point')} (${states('up')} up, ${states('failing')} failing, ${states('down')} down); ` +
    `${grouped(totals.present)} present, ${grouped(totals.absent)} absent, ` +
    `${grouped(totals.different)} different, ${grouped(totals.failed)} failed` +
    (busy > 0 ? `; ${plural(busy, 'access point')} without room for us, for a later run` : '') +
    noneIsUp(accessPoints.map(({ state }) => state)) +
    (outOfBudget ? `; out of budget, for the next run: ${waiting}` : '')
  );
}

/** Mirrors don't all fall together. */
export function noneIsUp(states: readonly Liveness['state'][]): string {
  const isLikelyHere = states.length >= 3 && states.every((state) => state === 'down');
  return isLikelyHere ? '; not one is up: is this machine connected?' : '';
}

/** Of all mirrors those that the options mean. Throws UsageError for a vantage or a mirror that there is not. */
export async function askedMirrors(
  mirrors: readonly Mirror[],
  config: Config,
  options: MirrorOptions,
): Promise<readonly Mirror[]> {
  return chosenMirrors(await assignedMirrors(mirrors, config, options.vantage), options);
}

/** The mirrors of a vantage; all where none is told. */
async function assignedMirrors(
  mirrors: readonly Mirror[],
  config: Config,
  name: string | undefined,
): Promise<readonly Mirror[]> {
  if (name === undefined) return mirrors;
  throwUnlessVantage(name, config);
  const { mirrorsOf } = await import('../../checker/vantages.ts');
  return mirrorsOf(name, config.vantages, mirrors);
}

/** Throws UsageError for an id that is not on the list. */
export function chosenMirrors(mirrors: readonly Mirror[], { mirror: ids, part }: MirrorOptions): readonly Mirror[] {
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
