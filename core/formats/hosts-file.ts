import { FormatError, messageOf } from '../errors.ts';

/** What a host asked for when it refused to answer. */
export interface HostWish {
  /** With which it refused: 429 or 503. */
  readonly status: number;
  /** Not to be asked before, in milliseconds since 1970; 0 = it did not say. */
  readonly notBeforeMs: number;
}

/** `output/hosts.json` (docs/formats.md). */
export interface HostsFile {
  readonly version: 1;
  readonly hosts: readonly (HostWish & { readonly host: string })[];
}

export function encodeHosts(file: HostsFile): string {
  return `${JSON.stringify(file)}\n`;
}

/** Throws FormatError where the text is not a hosts file of this version; `file` is named in its message. */
export function decodeHosts(text: string, file: string): HostsFile {
  let read: Partial<HostsFile> | null;
  try {
    read = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${file}: ${messageOf(error)}; remove it`);
  }
  if (read?.version !== 1 || !Array.isArray(read.hosts) || !read.hosts.every(isHost)) {
    throw new FormatError(`${file}: not a hosts file of version 1; remove it`);
  }
  return read as HostsFile;
}

function isHost(entry: Partial<HostsFile['hosts'][number]> | null): boolean {
  return (
    typeof entry?.host === 'string' &&
    Number.isSafeInteger(entry.status) &&
    typeof entry.notBeforeMs === 'number' &&
    Number.isFinite(entry.notBeforeMs)
  );
}
