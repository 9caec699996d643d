/** Requests that a host which was idle may get at once, as the time in which they would leave otherwise. */
const BURST_S = 0.1;

/** A token bucket that may be overdrawn: what was spent too much is waited for. */
export class Bucket {
  readonly perSecond: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.perSecond = perSecond;
    this.#tokens = this.#most;
    this.#filledAtMs = nowMs;
  }

  /** Until there is a whole token. */
  waitMs(nowMs: number): number {
    if (this.perSecond === Number.POSITIVE_INFINITY) return 0;
    const filled = this.#tokens + ((nowMs - this.#filledAtMs) / 1000) * this.perSecond;
    this.#tokens = Math.min(this.#most, filled);
    this.#filledAtMs = nowMs;
    return this.#tokens >= 1 ? 0 : ((1 - this.#tokens) / this.perSecond) * 1000;
  }

  spend(tokens: number): void {
    this.#tokens -= tokens;
  }

  get #most(): number {
    return Math.max(1, this.perSecond * BURST_S);
  }
}
