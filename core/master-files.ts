import type { ObjectPath } from './path.ts';

/** The master's freshness stamp: when its tree was last right, in seconds since 1970 as text (mirmon's probe file). */
export const STAMP_PATH: ObjectPath = 'distfiles/timestamp.mirmon';
/** How distfiles are sorted into directories; clients compare it byte for byte (GLEP 75). */
export const LAYOUT_PATH: ObjectPath = 'distfiles/layout.conf';

/** Small files as the master has them; null = it has none, or it could not be read yet. */
export interface MasterFiles {
  readonly stamp: Buffer | null;
  readonly layout: Buffer | null;
}

/** Nothing is longer; a stamp is eleven bytes. */
export const MAX_MASTER_FILE_BYTES = 64 * 1024;

const STAMP = /^\s*(\d{9,11})\s*$/;

/** Seconds since 1970 of a stamp's bytes; null where they are no such text. */
export function stampS(bytes: Buffer): number | null {
  const digits = STAMP.exec(bytes.toString('latin1'))?.[1];
  return digits === undefined ? null : Number(digits);
}
