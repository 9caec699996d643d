/** Writes what was found at an access point now and then, while its check is under way. */
export class Checkpoint {
  readonly #everyMs: number;
  readonly #write: () => void;
  #writtenAtMs = performance.now();

  constructor(everyMs: number, write: () => void) {
    this.#everyMs = everyMs;
    this.#write = write;
  }

  /** All that was found is confirmed: it is written, unless it was a short time ago. */
  reached(): void {
    if (performance.now() - this.#writtenAtMs < this.#everyMs) return;
    this.#write();
    this.#writtenAtMs = performance.now();
  }
}
