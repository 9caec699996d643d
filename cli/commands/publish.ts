import { hostname, userInfo } from 'node:os';
import type { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { PublishSummary } from '../../generator/publish/publish.ts';
import {
  type Context,
  durationOption,
  inLockedContext,
  plural,
  type SharedOptions,
  several,
  withSharedOptions,
} from '../context.ts';
import { closeTargets, openTargets } from '../publish-targets.ts';

export interface PublishCommandOptions {
  readonly dryRun?: boolean;
  readonly target: readonly string[];
  readonly force?: boolean;
  readonly reason?: string;
  readonly verifyUrl?: string;
  readonly verifyPatience?: number;
}

/** Between two looks for the new map at the hostname. */
const VERIFY_INTERVAL_MS = 2000;

export function registerPublish(program: Command): void {
  withSharedOptions(program.command('publish'))
    .description('prove what was built, publish it, and prove it again; what fails is rolled back')
    .option('--dry-run', 'prove it and say what would be done, without doing it')
    .option('--target <name>', 'this target of the configuration alone; may be repeated', several, [])
    .option('--force', 'overrule the guards (never a wrong answer)')
    .option('--reason <text>', 'why; --force needs it, and it is kept in the release')
    .option('--verify-url <url>', 'the hostname’s root: look-ups there must answer by the new map')
    .option('--verify-patience <time>', 'how long to wait for the new map there', durationOption)
    .action((options: SharedOptions & PublishCommandOptions) =>
      inLockedContext('publish', options, (context) => publishBuilt(context, options)),
    );
}

export async function publishBuilt(context: Context, options: PublishCommandOptions): Promise<void> {
  const force = forceOf(options);
  const verifyUrl = verifyUrlOf(options);
  const { publish } = await import('../../generator/publish/publish.ts');
  const config = context.config();
  const { output, progress, signal } = context;
  const targets = await openTargets(config, output, options.target, 'publish', progress.note);
  try {
    const summary = await publish({
      output,
      expiryMs: config.expiryMs,
      policy: { fallback: config.fallback, upgrade: config.edge.upgrade },
      targets,
      thresholds: config.publish.thresholds,
      keep: config.publish.keep,
      force,
      dryRun: options.dryRun === true,
      ...(await builtFunctionLoaders()),
      verify:
        verifyUrl === null
          ? null
          : {
              url: verifyUrl,
              patienceMs: options.verifyPatience ?? config.publish.verifyPatienceMs,
              intervalMs: VERIFY_INTERVAL_MS,
              timeoutMs: config.timeoutMs,
            },
      by: publisherName(),
      nowMs: Date.now,
      context: { progress, signal },
    });
    context.print(summary, summaryText(summary));
  } catch (error) {
    context.throwIfInterrupted();
    throw error;
  } finally {
    await closeTargets(targets);
  }
}

/** The built function in Node, and on njs where that is installed. */
export async function builtFunctionLoaders() {
  const { loadBuiltFunction } = await import('../../edge-shim/built-function.ts');
  const { answersOnNjs, hasNjs } = await import('../../edge-shim/function-on-njs.ts');
  type Keys = ReadonlyMap<string, string>;
  return {
    load: (code: string, keys: Keys) => loadBuiltFunction(code, keys, 'edge/function.js'),
    loadElsewhere: (code: string, keys: Keys) =>
      hasNjs() ? (events: Parameters<typeof answersOnNjs>[2]) => answersOnNjs(code, keys, events) : null,
  };
}

export function publisherName(): string {
  return `${userInfo().username}@${hostname()}`;
}

function forceOf({ force, reason }: PublishCommandOptions): string | null {
  if (force !== true) {
    if (reason !== undefined) throw new UsageError('--reason is for --force alone');
    return null;
  }
  if (reason !== undefined && reason.trim() !== '') return reason.trim().slice(0, 500);
  throw new UsageError('--force: say why, with --reason "…"; it is kept in the release');
}

function verifyUrlOf({ verifyUrl }: PublishCommandOptions): string | null {
  if (verifyUrl === undefined) return null;
  const url = URL.canParse(verifyUrl) ? new URL(verifyUrl) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new UsageError(`--verify-url ${JSON.stringify(verifyUrl)}: allowed: an http or https URL without query`);
  }
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}

function summaryText({
  files: total,
  changed,

  result,
  releaseId,
  before,
  guards,
  replay,
  sample,
  plans,
  uploads,
  lookUps,
  removed,
}: PublishSummary): string {
  const count = (value: number) => value.toLocaleString('en');
  if (result === 'unchanged') return `publish: nothing new since release ${releaseId}`;
  const proof = replay === null ? '' : `${count(replay.answers)} answers replayed, none wrong`;
  const onNjs = sample === null ? '' : `, ${count(sample.events)} of them on njs too`;
  const lines = [
    ...guards.map(({ guard, ok, sentence }) => `  ${ok ? '✓' : '✗'} ${guard}: ${sentence}`),
    `  ✓ replay: ${proof}${onNjs}`,
    `  ${count(changed)} of ${plural(total, 'file')} changed`,
    ...plans.flatMap((plan) => {
      const keys = `${plan.keysAdded} keys new, ${plan.keysChanged} changed, ${plan.keysRemoved} removed`;
      const code = plan.functionChanges ? 'changes' : 'stays';
      const price = `${count(plan.calls)} calls, ${plan.costUsd.toFixed(3)} USD`;
      const first = `  ${plan.target}: ${keys}, ${count(plan.keyBytes)} bytes; function ${code}; ${price}`;
      return [first, ...plan.notes.map((note) => `    ${note}`)];
    }),
    ...uploads.map(
      ({ target, files, bytes }) => `  ${target}: ${plural(files, 'file')} of ${plural(bytes, 'byte')} sent`,
    ),
    ...(lookUps === null ? [] : [`  ✓ ${count(lookUps.lookUps)} look-ups through the hostname are right`]),
    ...removed.map((id) => `  removed: ${id}`),
  ];
  const head =
    result === 'dry run'
      ? 'publish: a dry run, nothing was published'
      : `publish: release ${releaseId}${before === null ? '' : ` after ${before}`}`;
  return [head, ...lines].join('\n');
}
