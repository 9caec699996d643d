import { collectGarbage } from '../core/node/heap.ts';

/** With so many objects, ten times what Gentoo has, their columns alone take most of what a check may have. */
const MANY_OBJECTS = 500_000;
/** Objects asked for, and compressed bytes, that leave some megabytes of garbage. */
const OBJECTS = 16_384;
const PIECE_BYTES = 512 * 1024;

/** Clears garbage away as it comes, where objects are many; with few it does nothing, for it takes time. */
export class Memory {
  readonly #isShort: boolean;
  #objects = 0;

  constructor(objects: number) {
    this.#isShort = objects >= MANY_OBJECTS;
  }

  /** So many more objects have a result. */
  settled(objects: number): void {
    this.#objects += objects;
    if (!this.#isShort || this.#objects < OBJECTS) return;
    collectGarbage('all');
    this.#objects = 0;
  }

  /** The pieces of a file that is written as they come. */
  *tidied(pieces: Iterable<Uint8Array>): Generator<Uint8Array, void> {
    if (this.#isShort) collectGarbage('all');
    let bytes = 0;
    for (const piece of pieces) {
      yield piece;
      bytes += piece.length;
      if (!this.#isShort || bytes < PIECE_BYTES) continue;
      collectGarbage('young');
      bytes = 0;
    }
  }
}
