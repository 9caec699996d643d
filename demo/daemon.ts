import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, quoted, RunError } from '../core/errors.ts';
import { programPath } from './program.ts';

export interface Daemon {
  /** Resolves when the program is gone and all its children have been killed; may be called twice. */
  close(): Promise<void>;
}

export interface DaemonOptions {
  /** The program, which must stay in the foreground, and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** It is ready when these accept connections on 127.0.0.1. */
  readonly ports: readonly number[];
}

const READY_WITHIN_MS = 10_000;
const STOP_WITHIN_MS = 2_000;
const POLL_MS = 20;
const MAX_SAID_CHARACTERS = 4_000;
// The pipe at 3 closes when this process ends, however it ends: then the whole group goes too.
const TIED_TO_US = '(cat <&3; kill -TERM -$$) >/dev/null 2>&1 & exec "$@" 3<&-';

/**
 * Starts a server program as a child that can't outlive this process, and waits until it accepts connections.
 * Throws RunError with what the program said where it ends or is not ready within 10 s.
 */
export async function startDaemon({ command, ports }: DaemonOptions): Promise<Daemon> {
  const child = spawn('/bin/sh', ['-c', TIED_TO_US, 'sh', ...command], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, PATH: programPath },
  });
  let said = '';
  const hear = (chunk: Buffer) => {
    said = (said + chunk.toString('latin1')).slice(-MAX_SAID_CHARACTERS);
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  child.stdio[3]?.on('error', () => {});
  const gone = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(messageOf(error)));
    child.once('exit', (code, signal) => resolve(`ended with ${code ?? signal}`));
  });
  let closing: Promise<void> | null = null;
  const close = () => {
    closing ??= stop(child, gone);
    return closing;
  };
  try {
    for (const port of ports) await Promise.race([accepting(port), failing(gone)]);
  } catch (error) {
    await close();
    throw new RunError(
      `${command[0]} did not start: ${messageOf(error)}${said === '' ? '' : `; it said ${quoted(said, 1000)}`}`,
    );
  }
  return { close };
}

async function failing(gone: Promise<string>): Promise<never> {
  throw new Error(await gone);
}

async function accepting(port: number): Promise<void> {
  const deadlineMs = Date.now() + READY_WITHIN_MS;
  while (!(await accepts(port))) {
    if (Date.now() > deadlineMs)
      throw new Error(`nothing accepts connections on port ${port} after ${READY_WITHIN_MS / 1000} s`);
    await sleep(POLL_MS);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function stop(child: ChildProcess, gone: Promise<string>): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  const closed = once(child, 'close');
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  const timer = new AbortController();
  await Promise.race([gone, sleep(STOP_WITHIN_MS, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody of the group is left.
  }
  child.stdio[3]?.destroy();
  await closed;
}
