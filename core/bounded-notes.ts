/**
 * Notes for people, bounded by kind: the first `maxOfAKind` in full, the rest as a count. A kind is the plural phrase
 * that the count reads with: "links lead to nothing".
 */
export class BoundedNotes {
  readonly #maxOfAKind: number;
  readonly #kinds = new Map<string, { lines: string[]; more: number }>();

  constructor(maxOfAKind = 20) {
    this.#maxOfAKind = maxOfAKind;
  }

  add(kind: string, line: string): void {
    let notes = this.#kinds.get(kind);
    if (notes === undefined) {
      notes = { lines: [], more: 0 };
      this.#kinds.set(kind, notes);
    }
    if (notes.lines.length < this.#maxOfAKind) notes.lines.push(line);
    else notes.more++;
  }

  /** Kinds in the order of their first note. */
  lines(): string[] {
    return [...this.#kinds].flatMap(([kind, { lines, more }]) =>
      more === 0 ? lines : [...lines, `and ${more} more ${kind}`],
    );
  }
}
