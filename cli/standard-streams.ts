import { systemErrorWords } from '../core/node/system-errors.ts';
import { ExitCode } from './exit.ts';

/**
 * Listens for failed writes to stdout and stderr, which would else end the process with a stack trace. A reader that has
 * gone away (`| head -1`) had what it wanted: what is printed further is dropped, the work goes on, as its result lies in
 * files, and the exit code is that of the work (as ripgrep does; `set -o pipefail` finds no fault either). A result that
 * can't be kept (`> file` on a full disk) is told, and is a failure. Nothing can be told of stderr. May be called again.
 */
export function listenToStandardStreams(): void {
  if (!process.stdout.listeners('error').includes(onLostResult)) process.stdout.on('error', onLostResult);
  if (!process.stderr.listeners('error').includes(onLostWords)) process.stderr.on('error', onLostWords);
}

function onLostResult(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return;
  // Once: all that is written later fails too.
  if (!process.exitCode) process.stderr.write(`standard output: ${systemErrorWords(error) ?? error.message}\n`);
  process.exitCode ||= ExitCode.failed;
}

function onLostWords(): void {}
