import type { HostWish } from '../../core/formats/hosts-file.ts';
import type { HostBudget } from '../net/host-budget.ts';
import { busyReason } from '../net/reasons.ts';

/** Why an access point is of no use, as a sentence for its administrator. Thrown within the probe of one family. */
export class ProbeFailure extends Error {
  override name = 'ProbeFailure';
}

/** The host refuses to be asked on for now: it tells nothing of its access points. Thrown within the probe of one family. */
export class HostBusy extends Error {
  override name = 'HostBusy';
  readonly wish: HostWish;

  constructor(wish: HostWish) {
    super(busyReason(wish));
    this.wish = wish;
  }
}

/** Throws HostBusy where a host wants to be left alone at `nowMs` (since 1970). */
export function throwIfBusy({ wish, isLeftAlone }: HostBudget, nowMs: number): void {
  if (wish !== null && (isLeftAlone || wish.notBeforeMs > nowMs)) throw new HostBusy(wish);
}
