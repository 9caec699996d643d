import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, quoted } from '../errors.ts';
import { readFileOrNull } from './atomic-file.ts';

const run = promisify(execFile);

export interface RsyncFileOptions {
  /** Of one file: `rsync://host[:port]/module/path`. */
  readonly url: string;
  /** A longer file is not fetched. */
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Fetches one small file over rsync. Never throws for the server's sake: where it fails, `reason` is a sentence. */
export async function fetchOverRsync(options: RsyncFileOptions): Promise<{ bytes: Buffer | null; reason: string }> {
  const { url, maxBytes, timeoutMs, signal } = options;
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
  const folder = mkdtempSync(join(tmpdir(), 'redirector-file-'));
  try {
    const file = join(folder, 'file');
    const flags = ['-L', '--no-motd', `--max-size=${maxBytes}`, `--timeout=${seconds}`, `--contimeout=${seconds}`];
    const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
    await run('rsync', [...flags, '--', url, file], { timeout: timeoutMs * 2, killSignal: 'SIGKILL', env, signal });
    const bytes = readFileOrNull(file);
    return { bytes, reason: bytes === null ? `${url}: longer than ${maxBytes} bytes` : '' };
  } catch (error) {
    const { code, stderr } = error as { readonly code?: unknown; readonly stderr?: string };
    if (code === 'ENOENT') return { bytes: null, reason: 'rsync is not installed on this machine' };
    return { bytes: null, reason: `${url}: ${quoted(stderr?.trim().split('\n')[0] || messageOf(error))}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
