import { HostBudget, type HostLimits } from '../net/host-budget.ts';

const UNLIMITED: HostLimits = {
  connections: 4,
  requestsPerSecond: Number.POSITIVE_INFINITY,
  bytesPerSecond: Number.POSITIVE_INFINITY,
};

/** The account of a host that counts what it lets go before the time that a `Retry-After` in seconds has named. */
export class WatchedBudget extends HostBudget {
  early = 0;
  refusals = 0;
  #notBeforeMs = 0;

  constructor() {
    super(UNLIMITED);
  }

  override admit(): number {
    const waitMs = super.admit();
    if (waitMs === 0 && performance.now() < this.#notBeforeMs) this.early++;
    return waitMs;
  }

  override refused(status: number, retryAfter: string, timeoutMs: number): boolean {
    this.refusals++;
    this.#notBeforeMs = performance.now() + Number(retryAfter) * 1000;
    return super.refused(status, retryAfter, timeoutMs);
  }
}
