import type { Observations } from '../core/observations.ts';

export const MAX_REASONS = 256;
/** Of what has no reason of its own any more. */
export const OTHER = 'other';

/** The table of reasons of an access point: at most 256, each once; what comes when it is full is `OTHER`. */
export class FailureReasons {
  readonly #failures: string[];
  readonly #indexOf: Map<string, number>;

  /** Drops the reasons that no object's last check failed for, so that there is room for new ones. */
  constructor(observations: Observations) {
    this.#failures = observations.failures;
    this.#indexOf = compacted(observations);
  }

  /** Its number in `failures`. */
  indexOf(reason: string): number {
    const known = this.#indexOf.get(reason);
    if (known !== undefined) return known;
    const text = this.#failures.length < MAX_REASONS - 1 ? reason : OTHER;
    // Files of earlier releases may have 256 others.
    const last = MAX_REASONS - 1;
    const index = this.#indexOf.get(text) ?? Math.min(this.#failures.push(text) - 1, last);
    this.#failures.length = Math.min(this.#failures.length, MAX_REASONS);
    this.#indexOf.set(text, index);
    return index;
  }
}

function compacted(observations: Observations): Map<string, number> {
  const { failures, failure, failedAtS } = observations;
  const old = failures.splice(0);
  const indexOf = new Map<string, number>();
  const renumbered = new Int16Array(MAX_REASONS).fill(-1);
  for (let id = 0; id < failure.length; id++) {
    if (failedAtS[id] === 0) continue;
    const index = failure[id] as number;
    if (renumbered[index] === -1) {
      const reason = old[index] ?? OTHER;
      const known = indexOf.get(reason) ?? failures.push(reason) - 1;
      indexOf.set(reason, known);
      renumbered[index] = known;
    }
    failure[id] = renumbered[index] as number;
  }
  return indexOf;
}
