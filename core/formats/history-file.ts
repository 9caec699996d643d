import { FormatError, messageOf } from '../errors.ts';
import type { History } from '../history.ts';

const WAY_OUT = 'remove it; the next check begins it anew';

/** `output/history/<access point>.json` (docs/formats.md). */
export function encodeHistory(history: History): string {
  return `${JSON.stringify(history)}\n`;
}

/** Throws FormatError where the text is not a history of this version; `file` is named in its message. */
export function decodeHistory(text: string, file: string): History {
  let history: Partial<History>;
  try {
    history = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${file}: ${messageOf(error)}; ${WAY_OUT}`);
  }
  if (history?.version !== 1 || typeof history.accessPointId !== 'string' || !Array.isArray(history.days)) {
    throw new FormatError(`${file}: not a history of version 1; ${WAY_OUT}`);
  }
  return history as History;
}
