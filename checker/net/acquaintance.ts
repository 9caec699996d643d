import type { OutcomeCode } from '../../core/observations.ts';

/** How an access point is asked for many objects. */
export type AskedHow = 'pipelined' | 'multiplexed' | 'one at a time' | 'one a connection';

/**
 * What a run has learnt of how an access point answers, so that a later check of the same run need not ask again. Each
 * check adds to it; one that does not come to its end empties it.
 */
export class Acquaintance {
  greeting: {
    readonly userAgent: string;
    /** What is worth telling of it; mostly ''. */
    readonly reason: string;
  } | null = null;
  /** Null = not tried yet, or to be tried anew. */
  askedHow: AskedHow | null = null;
  /** What HEAD has shown and GET has confirmed, and how often. */
  readonly confirmed = new Map<OutcomeCode, number>();

  /** What it forbids stays forbidden, however slowly it is asked. */
  meansWhatItForbids = false;

  forget(): void {
    this.greeting = null;
    this.askedHow = null;
    this.confirmed.clear();
    this.meansWhatItForbids = false;
  }
}
