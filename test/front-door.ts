import { vi } from 'vitest';
import { main } from '../redirector.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this process, as its own would: for tests of many commands, one at a time. */
export async function runHere(...argv: string[]): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    stdout += chunk;
    return true;
  });
  const error = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    stderr += chunk;
    return true;
  });
  const before = process.exitCode;
  try {
    process.exitCode = 0;
    await main(argv);
    return { code: Number(process.exitCode), stdout, stderr };
  } finally {
    process.exitCode = before;
    out.mockRestore();
    error.mockRestore();
  }
}
