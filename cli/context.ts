import { setMaxListeners } from 'node:events';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { RunError, UsageError } from '../core/errors.ts';
import { grouped } from '../core/grouped.ts';
import { withLock } from '../core/node/lock.ts';
import { systemErrorWords } from '../core/node/system-errors.ts';
import type { Progress } from '../core/progress.ts';
import { type Config, readConfig } from './config.ts';
import { durationMs } from './config-values.ts';
import { ExitCode, Interrupted } from './exit.ts';
import { progressFor } from './progress.ts';

/** The options that all commands share. */
export interface SharedOptions {
  readonly config: string;
  readonly output: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** What a command works with. */
export interface Context {
  /** Reads the configuration; throws UsageError. */
  config(): Config;
  /** The output folder, which need not be there yet. Throws UsageError where it can be none. */
  readonly output: string;
  readonly progress: Progress;
  /** Aborted by Ctrl-C, a TERM signal, or a terminal that is closed; the reason is Interrupted. */
  readonly signal: AbortSignal;
  /** Throws Interrupted once the person has interrupted. */
  throwIfInterrupted(): void;
  /** The result, on stdout: the JSON value with --json, else the text (nothing when quiet). */
  print(value: unknown, text: string): void;
}

export function withSharedOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'the configuration', named, 'redirector.toml')
    .option('-o, --output <dir>', 'where files are kept', named, 'output')
    .option('--json', 'print the result as JSON')
    .option('-q, --quiet', 'print nothing but errors');
}

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a command's work with its context: progress is put away and signal handlers removed whatever happens. What fails
 * because the person has interrupted is thrown as Interrupted. `endsBy` are the signals that mean so.
 */
export async function inContext(
  options: SharedOptions,
  work: (context: Context) => Promise<void>,
  endsBy: readonly NodeJS.Signals[] = ENDING_SIGNALS,
): Promise<void> {
  const abort = new AbortController();
  // As many listeners as there are mirrors under way; none of them leaks.
  setMaxListeners(0, abort.signal);
  const progress = progressFor(options.quiet === true);
  let asked = 0;
  const interrupt = (name: NodeJS.Signals) => {
    // A second Ctrl-C does not wait for anything.
    if (++asked > 1) process.exit(ExitCode.interrupted);
    if (name === 'SIGHUP') endByHangUp();
    abort.abort(new Interrupted('interrupted; what was done is kept, the next run goes on from there'));
  };
  for (const signal of endsBy) process.on(signal, interrupt);
  try {
    await work({
      config: () => readConfig(options.config),
      get output() {
        return outputFolder(options.output);
      },
      progress,
      signal: abort.signal,
      throwIfInterrupted: () => abort.signal.throwIfAborted(),
      print(value, text) {
        if (options.json === true) process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
        else if (options.quiet !== true && text !== '') process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
      },
    });
  } catch (error) {
    throw await interruptionBehind(error, abort.signal);
  } finally {
    progress.stop();
    for (const signal of endsBy) process.off(signal, interrupt);
  }
}

/**
 * Of a terminal that is gone Node can't put the mode back as it exits, and aborts with a core dump. So when all is saved
 * the signal ends us, as it would have at once.
 */
function endByHangUp(): void {
  // As they were at the start: of one that is gone isatty(3) says no.
  if (process.stdout.isTTY || process.stderr.isTTY) process.once('exit', () => process.kill(process.pid, 'SIGHUP'));
}

/** A terminal's Ctrl-C goes to our children too, and what one of them fails with may be heard of before it. */
const SIGNAL_ON_ITS_WAY_MS = 50;

/**
 * What could not be done after an interruption failed by it. A bug, or a file that could not be written meanwhile, stays
 * what it is: nobody may hear that all was kept.
 */
async function interruptionBehind(error: unknown, signal: AbortSignal): Promise<unknown> {
  const isAbort = error instanceof Error && error.name === 'AbortError';
  if (!isAbort && !(error instanceof RunError)) return error;
  if (!signal.aborted) await delay(SIGNAL_ON_ITS_WAY_MS);
  if (!signal.aborted) return error;
  return isAbort ? signal.reason : new Interrupted(error.message);
}

function outputFolder(option: string): string {
  const folder = resolve(option);
  const refuse = (why: string) => new UsageError(`--output ${folder}: ${why}; name a folder`);
  try {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) throw refuse('it is not a folder');
    return folder;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw NO_FOLDER.has(code) ? refuse(systemErrorWords(error) as string) : error;
  }
}

/** The person's mistakes, where others are the machine's state. */
const NO_FOLDER = new Set(['ENOTDIR', 'ENAMETOOLONG', 'ELOOP']);

/** As `inContext`, for a command that writes: as the only one in its output folder. */
export function inLockedContext(
  command: string,
  options: SharedOptions,
  work: (context: Context) => Promise<void>,
): Promise<void> {
  return inContext(options, (context) => withLock(context.output, command, () => work(context)));
}

/** Resolves when the person interrupts. */
export function untilInterrupted(context: Context): Promise<void> {
  return new Promise((resolve) => {
    if (context.signal.aborted) resolve();
    // A listener alone keeps no process alive; the servers do.
    context.signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Of a shell variable that is not set nothing is left but quotes. */
function named(value: string): string {
  if (value === '') throw new InvalidArgumentError('Name one: this is empty, as a shell variable is that is not set.');
  return value;
}

export function portOption(value: string): number {
  if (!/^\d+$/.test(value) || Number(value) > 65_535)
    throw new InvalidArgumentError('A port is a number from 0 (any free one) to 65535.');
  return Number(value);
}

export function countOption(value: string): number {
  if (!/^\d+$/.test(value) || Number(value) < 1) throw new InvalidArgumentError('Give a whole number from 1.');
  return Number(value);
}

export function durationOption(value: string): number {
  const ms = durationMs(value);
  if (ms === null) throw new InvalidArgumentError('Give a time like 90s, 20m or 6h.');
  return ms;
}

export function several(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

export function plural(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}
