/** When what was found at an access point is next to be written, while its check is under way. */
export class Checkpoint {
  readonly #everyMs: number;
  readonly #write: () => void;
  #dueAtMs: number;

  constructor(everyMs: number, write: () => void) {
    this.#everyMs = everyMs;
    this.#write = write;
    this.#dueAtMs = performance.now() + everyMs;
  }

  readonly isDue = (): boolean => performance.now() >= this.#dueAtMs;

  /** All that was found is confirmed: it is written if it is due. */
  reached(): void {
    if (!this.isDue()) return;
    this.#write();
    this.#dueAtMs = performance.now() + this.#everyMs;
  }
}
