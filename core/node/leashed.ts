import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

/**
 * Waits beside the command until its own standard input ends, which it does when we are no more, and kills the group then.
 * The shell gives what runs in the background no input, hence the other number (POSIX, 2.9.3.1 Asynchronous Lists).
 */
const LEASH = 'exec 3<&0 </dev/null; { read -r _ <&3; kill -9 0; } >/dev/null 2>&1 & exec "$@" 3<&-';

/** What the shell ends with where there is no such command. */
export const NO_COMMAND = 127;

/**
 * Starts a command that leads a group of its own, and ends with all that it has started when we do, be it by `kill -9`.
 * Its standard input is empty. Where there is no such command it ends with `NO_COMMAND`.
 */
export function spawnLeashed(
  command: string,
  args: readonly string[],
  { env, stdout, stderr }: { readonly env: SpawnOptions['env']; readonly stdout: number; readonly stderr: 'pipe' },
): ChildProcess {
  return spawn('sh', ['-c', LEASH, 'sh', command, ...args], {
    stdio: ['pipe', stdout, stderr],
    env,
    detached: true,
  });
}
