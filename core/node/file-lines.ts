import { readSync } from 'node:fs';
import { FormatError } from '../errors.ts';
import { LINES_IN_BLOCK, type Lines } from '../lines.ts';

/** A text of so many blocks, 262,144 lines, stays in memory once it is read; of longer ones a few blocks do. */
const BLOCKS_OF_A_SHORT_TEXT = 4096;
const BLOCKS_KEPT = 16;

/** Where a text of lines lies in an open file. */
export interface TextPlace {
  readonly fd: number;
  /** For messages. */
  readonly file: string;
  /** Of its first byte. */
  readonly position: number;
  readonly lengthBytes: number;
  readonly lines: number;
  /** As `blockStarts` answers it. */
  readonly starts: Uint32Array;
  /** What a person does where they are torn. */
  readonly wayOut: string;
}

/**
 * The lines of a file, read in blocks when they are asked for: of a text of any size some megabytes are in memory.
 * Throws FormatError where a block does not hold the lines that it should.
 */
export class FileLines implements Lines {
  readonly length: number;
  readonly #place: TextPlace;
  /** By slot: the number of the block that it holds, -1 = none. */
  readonly #blockIn: Int32Array;
  readonly #kept: (readonly string[])[];
  #bytes = Buffer.allocUnsafe(8192);

  constructor(place: TextPlace) {
    this.length = place.lines;
    this.#place = place;
    const blocks = place.starts.length;
    const slots = blocks <= BLOCKS_OF_A_SHORT_TEXT ? Math.max(1, blocks) : BLOCKS_KEPT;
    this.#blockIn = new Int32Array(slots).fill(-1);
    this.#kept = new Array(slots);
  }

  at(index: number): string | undefined {
    if (!(index >= 0 && index < this.length)) return undefined;
    const block = Math.floor(index / LINES_IN_BLOCK);
    const slot = block % this.#kept.length;
    if (this.#blockIn[slot] !== block) {
      this.#kept[slot] = this.#read(block);
      this.#blockIn[slot] = block;
    }
    return (this.#kept[slot] as readonly string[])[index % LINES_IN_BLOCK];
  }

  #read(block: number): readonly string[] {
    const { fd, file, position, lengthBytes, starts } = this.#place;
    const start = starts[block] as number;
    // The newline between two blocks belongs to neither.
    const end = block + 1 < starts.length ? (starts[block + 1] as number) - 1 : lengthBytes;
    const count = end - start;
    if (count > this.#bytes.length) this.#bytes = Buffer.allocUnsafe(count * 2);
    const expected = Math.min(LINES_IN_BLOCK, this.length - block * LINES_IN_BLOCK);
    if (count >= 0 && readSync(fd, this.#bytes, 0, count, position + start) === count) {
      const lines = this.#bytes.toString('utf8', 0, count).split('\n');
      if (lines.length === expected) return lines;
    }
    throw new FormatError(`${file}: block ${block} should hold ${expected} lines; ${this.#place.wayOut}`);
  }
}
