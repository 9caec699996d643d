import { type HostBudget, retryAfterMs } from './host-budget.ts';

/** An object whose question is refused so often has got its answer. */
const MAX_REFUSALS = 3;
/** After so many such objects in a row the host is given up. */
const MAX_REFUSED_IN_A_ROW = 5;

/** The questions of a run that were answered with 429 or 503. */
export class Refusals {
  /** To be asked again, before all others. */
  readonly waiting: number[] = [];
  readonly #counts = new Map<number, number>();
  #inARow = 0;
  #pauses = 0;

  /** Another answer came: the host is itself again. */
  over(): void {
    this.#inARow = 0;
    this.#pauses = 0;
  }

  /**
   * How long to leave the host alone: what it asks for, else a tenth of the time-out, doubled each time up to the whole.
   * Null: what was under way when it began to refuse is refused with it, and that is one refusal.
   */
  pauseMs(retryAfter: string, { budget, timeoutMs }: { budget: HostBudget; timeoutMs: number }): number | null {
    const askedMs = retryAfterMs(retryAfter, Date.now());
    if (askedMs === null && budget.isPaused) return null;
    return askedMs ?? Math.min(timeoutMs, (timeoutMs / 10) * 2 ** this.#pauses++);
  }

  /** Whether there is another try for it. */
  isAskedAgain(index: number): boolean {
    const count = (this.#counts.get(index) ?? 0) + 1;
    this.#counts.set(index, count);
    if (count < MAX_REFUSALS) this.waiting.push(index);
    else this.#inARow++;
    return count < MAX_REFUSALS;
  }

  get isEndless(): boolean {
    return this.#inARow >= MAX_REFUSED_IN_A_ROW;
  }
}
