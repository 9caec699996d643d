import type { Lines } from '../core/lines.ts';

/** So many slots for each path: a look-up then sees two or three of them. */
const SLOTS_PER_PATH = 1.5;
const FREE = 0;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** One question for so many paths costs as much time as the table, which takes 30 ms for 150,000 and 6 bytes each. */
const PATHS_PER_QUESTION = 15;

/**
 * Answers the id of a path, its place in `paths`; undefined for one that is not there. Listings mostly come in the order of
 * the ids, with leaps where directories end, so few questions are asked: a path is looked for as in a sorted list, as most
 * of an inventory is one, from the one before. Only when one is not found so, or many were asked for, a table is made.
 */
export function pathIndex(paths: Lines): (path: string) => number | undefined {
  let table: PathTable | null = null;
  let questions = 0;
  let last = 0;
  return (path) => {
    if (table === null && questions++ < paths.length / PATHS_PER_QUESTION) {
      const id = idAsIfSorted(path, paths, last);
      if (paths.at(id) === path) {
        last = id;
        return id;
      }
    }
    table ??= new PathTable(paths);
    return table.idOf(path);
  };
}

/** Where the path would be in a sorted list, sought in widening circles around a place. */
function idAsIfSorted(path: string, paths: Lines, from: number): number {
  const isBefore = (id: number) => (paths.at(id) as string) < path;
  let [first, end] = [0, paths.length];
  const isAhead = from < end && isBefore(from);
  for (let step = 1; first < end; step *= 2) {
    const at = isAhead ? from + step : from - step;
    if (at < 0 || at >= paths.length) break;
    if (isBefore(at)) first = at + 1;
    else end = at;
    if (isBefore(at) !== isAhead) break;
  }
  while (first < end) {
    const middle = (first + end) >>> 1;
    if (isBefore(middle)) first = middle + 1;
    else end = middle;
  }
  return first;
}

/**
 * Ids with open addressing; `paths` themselves are the keys. The bits that an id leaves in its slot are of the hash, so
 * that hardly any path is looked at that is not the one.
 */
class PathTable {
  readonly #paths: Lines;
  readonly #slots: Uint32Array;
  readonly #idBits: number;

  constructor(paths: Lines) {
    this.#paths = paths;
    this.#slots = new Uint32Array(Math.ceil(paths.length * SLOTS_PER_PATH) + 1);
    this.#idBits = Math.ceil(Math.log2(paths.length + 2));
    for (let id = 0; id < paths.length; id++) {
      const hash = hashOf(paths.at(id) as string);
      let slot = this.#slotOf(hash);
      while (this.#slots[slot] !== FREE) slot = this.#after(slot);
      this.#slots[slot] = (hash << this.#idBits) | (id + 1);
    }
  }

  idOf(path: string): number | undefined {
    const hash = hashOf(path);
    const tag = hash << this.#idBits;
    for (let slot = this.#slotOf(hash); ; slot = this.#after(slot)) {
      const entry = this.#slots[slot] as number;
      if (entry === FREE) return undefined;
      if ((entry ^ tag) >>> this.#idBits !== 0) continue;
      const id = (entry & ((1 << this.#idBits) - 1)) - 1;
      if (this.#paths.at(id) === path) return id;
    }
  }

  #slotOf(hash: number): number {
    return Math.floor(((hash >>> 0) / 2 ** 32) * this.#slots.length);
  }

  #after(slot: number): number {
    return slot + 1 === this.#slots.length ? 0 : slot + 1;
  }
}

/** FNV-1a; its lower bits, in which the last characters count most, are folded into the upper ones. */
function hashOf(text: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash ^ (hash << 15);
}
