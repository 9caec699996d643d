import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

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
 * rejects, with what it said, where it ends with an error or takes too long.
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
    for (const [name, text] of Object.entries(modules)) await writeFile(join(folder, name), text);
    const main = join(folder, 'run.js');
    const inputFile = join(folder, 'input');
    await Promise.all([writeFile(main, code), writeFile(inputFile, input)]);
    const [program = 'njs', ...args] = [...under, 'njs', '-t', 'module', '-p', folder, main, inputFile];
    const { stdout } = await run(program, args, { timeout: timeoutMs, maxBuffer: 256 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { message, stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`njs failed: ${message}\n${stdout}${stderr}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
