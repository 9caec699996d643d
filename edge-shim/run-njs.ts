import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RunError } from '../core/errors.ts';
import { naming } from '../core/node/system-errors.ts';

const run = promisify(execFile);

export interface NjsOptions {
  /** An ECMAScript module's text. */
  readonly code: string;
  /** Modules that it may import, by the exact name (`cloudfront`). */
  readonly modules?: Readonly<Record<string, string>>;
  /** A text the code finds as the file `process.argv[2]` (njs: `require('fs').readFileSync`). */
  readonly input?: string;
  readonly timeoutMs?: number;
  /** A program and its arguments that runs it (`valgrind …`). */
  readonly under?: readonly string[];
}

/**
 * Runs a text with the `njs` program, whose language is that of CloudFront Functions. Resolves to what it printed;
 * rejects, with what it said, where it ends with an error or takes too long; with RunError where a Ctrl-C ended it.
 */
export async function runNjs({
  code,
  modules = {},
  input = '',
  timeoutMs = 60_000,
  under = [],
}: NjsOptions): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'redirector-njs-'));
  try {
    const write = (name: string, text: string) => {
      const file = join(folder, name);
      naming(file, () => writeFileSync(file, text));
      return file;
    };
    for (const [name, text] of Object.entries(modules)) write(name, text);
    const main = write('run.js', code);
    const inputFile = write('input', input);
    const [program = 'njs', ...args] = [...under, 'njs', '-t', 'module', '-p', folder, main, inputFile];
    const { stdout } = await run(program, args, { timeout: timeoutMs, maxBuffer: 256 * 1024 * 1024 }).catch(refused);
    return stdout;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function refused(error: Error & { signal?: string; stdout?: string; stderr?: string }): never {
  const { message, signal, stdout = '', stderr = '' } = error;
  if (signal === 'SIGINT') throw new RunError('njs, which answers as the edge does, was ended in the midst of it');
  throw new Error(`njs failed: ${message}\n${stdout}${stderr}`);
}
