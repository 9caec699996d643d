import { setMaxListeners } from 'node:events';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { grouped } from '../core/grouped.ts';
import { withLock } from '../core/node/lock.ts';
import type { Progress } from '../core/progress.ts';
import { type Config, readConfig } from './config.ts';
import { durationMs } from './config-values.ts';
import { Interrupted } from './exit.ts';
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
  readonly output: string;
  readonly progress: Progress;
  /** Aborted by Ctrl-C or a TERM signal. */
  readonly signal: AbortSignal;
  /** Throws Interrupted once the person has interrupted. */
  throwIfInterrupted(): void;
  /** The result, on stdout: the JSON value with --json, else the text (nothing when quiet). */
  print(value: unknown, text: string): void;
}

export function withSharedOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'the configuration', 'redirector.toml')
    .option('-o, --output <dir>', 'where files are kept', 'output')
    .option('--json', 'print the result as JSON')
    .option('-q, --quiet', 'print nothing but errors');
}

/** Runs a command's work with its context: progress is put away and signal handlers removed whatever happens. */
export async function inContext(options: SharedOptions, work: (context: Context) => Promise<void>): Promise<void> {
  const abort = new AbortController();
  // As many listeners as there are mirrors under way; none of them leaks.
  setMaxListeners(0, abort.signal);
  const progress = progressFor(options.quiet === true);
  let asked = 0;
  const interrupt = () => {
    // A second Ctrl-C does not wait for anything.
    if (++asked > 1) process.exit(130);
    abort.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    await work({
      config: () => readConfig(options.config),
      output: resolve(options.output),
      progress,
      signal: abort.signal,
      throwIfInterrupted() {
        if (abort.signal.aborted)
          throw new Interrupted('interrupted; what was done is kept, the next run goes on from there');
      },
      print(value, text) {
        if (options.json === true) process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
        else if (options.quiet !== true && text !== '') process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
      },
    });
  } finally {
    progress.stop();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

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
