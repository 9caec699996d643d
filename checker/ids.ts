/** Object ids, four bytes each: an array of numbers takes twice as much, and three times while it grows. */
export class IdList {
  #ids = new Int32Array(64);
  #length = 0;

  push(id: number): void {
    if (this.#length === this.#ids.length) {
      const longer = new Int32Array(this.#length * 2);
      longer.set(this.#ids);
      this.#ids = longer;
    }
    this.#ids[this.#length++] = id;
  }

  clear(): void {
    this.#ids = new Int32Array(64);
    this.#length = 0;
  }

  /** Those that it holds now, in their order. To be read before the next `push`. */
  ids(): Int32Array {
    return this.#ids.subarray(0, this.#length);
  }
}

/** As `filter` of a typed array, which collects an array of numbers first. */
export function idsWhere(ids: Int32Array, isWanted: (id: number) => boolean): Int32Array {
  const wanted = new Int32Array(ids.length);
  let length = 0;
  for (const id of ids) if (isWanted(id)) wanted[length++] = id;
  return wanted.subarray(0, length);
}

/** As `idsWhere`, one after the other. */
export function* eachWhere(ids: Int32Array, isWanted: (id: number) => boolean): Generator<number, void> {
  for (const id of ids) if (isWanted(id)) yield id;
}
