import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { ensurePrograms, isCi, isThere } from './debian-packages.ts';

/** vitest's globalSetup: before the first test, the programs that the tests need. */
export async function setup(): Promise<void> {
  await ensurePrograms({
    isDebian: existsSync('/etc/debian_version'),
    isRoot: process.getuid?.() === 0,
    isCi: isCi(),
    has: isThere,
    run,
    print: (line) => process.stderr.write(`${line}\n`),
  });
}

function run(command: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const [program, ...args] = command as [string, ...string[]];
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } });
    child.on('error', () => resolve(127));
    child.on('close', (code) => resolve(code ?? 1));
  });
}
