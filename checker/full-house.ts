import type { Liveness } from '../core/observations.ts';

/** So often a run knocks at a full house, with pauses that double. */
export const FULL_HOUSE_TRIES = 3;
/** For so long a full house says nothing of an access point. */
const FULL_HOLDS_S = 3600;

/** Why an access point tells nothing for now: the server has as many clients as it takes. `said` is how it says so. */
export function noRoom(said: string): string {
  return `${said}: no room for us`;
}

/**
 * What is known at `nowS` of an access point that had no room for us, and so told nothing: what was known before. Where
 * nothing else was heard for more than an hour it is `failing`, and the reason says so; it is never down for that.
 */
export function livenessOfFull(before: Liveness | null, reason: string, nowS: number): Liveness {
  if (before === null || before.checkedAtS === 0) {
    return { state: 'failing', sinceS: before?.sinceS ?? nowS, checkedAtS: 0, reason };
  }
  if (nowS - before.checkedAtS <= FULL_HOLDS_S) return before;
  const sinceS = before.state === 'failing' ? before.sinceS : nowS;
  return { state: 'failing', sinceS, checkedAtS: nowS, reason: `${reason}; nothing else heard for more than an hour` };
}
