import { FormatError, messageOf } from '../errors.ts';
import type { MasterFiles } from '../master-files.ts';

const WAY_OUT = 'run "redirector inventory"';

/** `output/inventory/master-files.json` (docs/formats.md). */
export function encodeMasterFiles({ stamp, layout }: MasterFiles): string {
  const text = (bytes: Buffer | null) => bytes?.toString('base64') ?? null;
  return `${JSON.stringify({ version: 1, stamp: text(stamp), layout: text(layout) })}\n`;
}

/** Throws FormatError where the text is not of this form; `file` is named in its message. */
export function decodeMasterFiles(text: string, file: string): MasterFiles {
  let read: { readonly version?: unknown; readonly stamp?: unknown; readonly layout?: unknown } | null;
  try {
    read = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${file}: ${messageOf(error)}; ${WAY_OUT}`);
  }
  const isBytes = (value: unknown) => value === null || typeof value === 'string';
  if (read?.version !== 1 || !isBytes(read.stamp) || !isBytes(read.layout)) {
    throw new FormatError(`${file}: not the master's files of version 1; ${WAY_OUT}`);
  }
  const bytes = (value: unknown) => (value === null ? null : Buffer.from(value as string, 'base64'));
  return { stamp: bytes(read.stamp), layout: bytes(read.layout) };
}
