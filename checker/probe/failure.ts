import type { HostBudget } from '../net/host-budget.ts';
import { busyReason } from '../net/reasons.ts';

/** Why an access point is of no use, as a sentence for its administrator. Thrown within the probe of one family. */
export class ProbeFailure extends Error {
  override name = 'ProbeFailure';
}

/** The access point cannot be asked from here, for what we lack ourselves: nothing is told of it. Thrown as above. */
export class CannotAsk extends Error {
  override name = 'CannotAsk';
}

/**
 * How a host refuses to be asked: it finds us too fast, is unavailable for a while, or has no room for one more client.
 */
export type Refusal = 'too fast' | 'unavailable' | 'full';

/** The host refuses to be asked on for now: it tells nothing of its access points. Thrown within the probe of one family. */
export class HostBusy extends Error {
  override name = 'HostBusy';
  readonly refusal: Refusal;

  constructor(reason: string, refusal: Refusal) {
    super(reason);
    this.refusal = refusal;
  }
}

const UNAVAILABLE = 503;

/** Throws HostBusy where a host wants to be left alone at `nowMs` (since 1970). */
export function throwIfBusy({ wish, isLeftAlone }: HostBudget, nowMs: number): void {
  if (wish === null || !(isLeftAlone || wish.notBeforeMs > nowMs)) return;
  throw new HostBusy(busyReason(wish), wish.status === UNAVAILABLE ? 'unavailable' : 'too fast');
}
