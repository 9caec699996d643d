import { closeSync, openSync, readSync } from 'node:fs';
import { messageOf, RunError, UsageError } from '../../core/errors.ts';
import type { MirrorList } from '../../core/mirror.ts';
import { tomlText } from '../../core/toml.ts';
import { parseOverrides } from './overrides.ts';
import { parseMirrorList } from './parse-mirror-list.ts';

const MAX_BYTES = 16 * 1024 * 1024;

export interface ReadMirrorListOptions {
  /** A file, or an http(s) URL, of a list in Gentoo's XML. */
  readonly list: string;
  /** A TOML file with what is known better (`parseOverrides`); null = none. */
  readonly overrides: string | null;
  readonly nowMs: number;
  /** For all of a download. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Reads the mirror list. Throws UsageError for a missing file and for what is wrong in one, RunError where a download
 * fails.
 */
export async function readMirrorList(options: ReadMirrorListOptions): Promise<MirrorList> {
  const { list, overrides, nowMs } = options;
  const known = overrides === null ? null : parseOverrides(tomlText(readFile(overrides), overrides), overrides);
  const xml = /^https?:\/\//i.test(list) ? await download(options) : readFile(list).toString('utf8');
  return parseMirrorList(xml, known, { list, nowMs });
}

function readFile(file: string): Buffer {
  let fd: number;
  const bytes = Buffer.allocUnsafe(MAX_BYTES + 1);
  let length = 0;
  try {
    fd = openSync(file, 'r');
    try {
      for (let read = -1; read !== 0 && length < bytes.length; length += read) {
        read = readSync(fd, bytes, length, bytes.length - length, null);
      }
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new UsageError(`${file}: can't be read (${(error as NodeJS.ErrnoException).code}); name a file that can`);
  }
  if (length > MAX_BYTES) throw new UsageError(`${file}: is larger than ${MAX_BYTES} bytes; name another file`);
  return bytes.subarray(0, length);
}

async function download({ list, timeoutMs, signal }: ReadMirrorListOptions): Promise<string> {
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(list, { signal: AbortSignal.any([signal, deadline]) });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new RunError(`HTTP status ${response.status}`);
    }
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      length += chunk.byteLength;
      if (length > MAX_BYTES) throw new RunError(`more than ${MAX_BYTES} bytes`);
    }
    return Buffer.concat(chunks).toString('utf8');
  } catch (error) {
    throw new RunError(`${list}: can't be downloaded: ${reasonOf(error, signal, deadline, timeoutMs)}`);
  }
}

function reasonOf(error: unknown, signal: AbortSignal, deadline: AbortSignal, timeoutMs: number): string {
  if (signal.aborted) return 'interrupted';
  if (deadline.aborted) return `not done in ${timeoutMs} ms`;
  // fetch says only "fetch failed"; what happened is in its cause.
  const { cause } = error as Error;
  return messageOf(cause ?? error);
}
