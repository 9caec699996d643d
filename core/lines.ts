/** Texts by number, from 0: all of them in memory (an array of strings is such), or read as they are asked for. */
export interface Lines {
  readonly length: number;
  /** Undefined beyond the last one. */
  at(index: number): string | undefined;
}

/** The same text, with no hold on a longer one that it was cut from, as V8's texts have: for those that are kept. */
export function ownText(text: string): string {
  return Buffer.from(text).toString();
}

/** So many lines of a long text are found and read at once. */
export const LINES_IN_BLOCK = 64;

/** Where each block of lines begins in the bytes of all of them joined by a newline. */
export function blockStarts(lines: readonly string[]): Uint32Array {
  const starts = new Uint32Array(Math.ceil(lines.length / LINES_IN_BLOCK));
  for (let i = 0, atBytes = 0; i < lines.length; i++) {
    if (i % LINES_IN_BLOCK === 0) starts[i / LINES_IN_BLOCK] = atBytes;
    atBytes += Buffer.byteLength(lines[i] as string) + 1;
  }
  return starts;
}
