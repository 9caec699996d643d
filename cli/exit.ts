import { FormatError, RunError, UsageError } from '../core/errors.ts';
import { systemErrorWords } from '../core/node/system-errors.ts';

/** The command line's exit codes; 70 is sysexits' EX_SOFTWARE, 130 the shell's word for Ctrl-C. */
export const ExitCode = { done: 0, failed: 1, usage: 2, bug: 70, interrupted: 130 } as const;

/** Work that Ctrl-C ended: what was done is kept. It is the reason of the signal that all work hears. */
export class Interrupted extends Error {
  override name = 'Interrupted';
}

/** Tells the person what went wrong, on stderr, and answers the exit code. */
export function reportFailure(error: unknown): number {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  if (error instanceof Interrupted) {
    say(error.message);
    return ExitCode.interrupted;
  }
  if (error instanceof UsageError || error instanceof FormatError) {
    say(error.message);
    return ExitCode.usage;
  }
  if (error instanceof RunError) {
    say(error.message);
    return ExitCode.failed;
  }
  const words = systemErrorWords(error);
  if (words !== null) {
    const { path, syscall } = error as NodeJS.ErrnoException;
    say(`${path ?? `${syscall}, of the output folder or the one for temporary files`}: ${words}`);
    return ExitCode.failed;
  }
  say(`a bug, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return ExitCode.bug;
}
