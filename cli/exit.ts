import { FormatError, RunError, UsageError } from '../core/errors.ts';

/** The command line's exit codes; 70 is sysexits' EX_SOFTWARE, 130 the shell's word for Ctrl-C. */
export const ExitCode = { done: 0, failed: 1, usage: 2, bug: 70, interrupted: 130 } as const;

/** Work that Ctrl-C ended: what was done is kept. */
export class Interrupted extends Error {
  override name = 'Interrupted';
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  EMFILE: 'too many open files',
};

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
  const { code, path } = error as NodeJS.ErrnoException;
  const known = code === undefined ? undefined : SYSTEM_ERRORS[code];
  if (known !== undefined) {
    say(`${path ?? 'a file'}: ${known} (${code})`);
    return ExitCode.failed;
  }
  say(`a bug, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return ExitCode.bug;
}
