import { setTimeout as delay } from 'node:timers/promises';

/** What one host may be asked, whatever the scheme. */
export interface HostLimits {
  /** Open at the same time. */
  readonly connections: number;
  /** May be Infinity; so may the next. */
  readonly requestsPerSecond: number;
  /** Sent and received. */
  readonly bytesPerSecond: number;
}

/** 500 requests a second is what a hundred readers of a web page are to a server; HEAD reads no file. */
export const DEFAULT_LIMITS: HostLimits = { connections: 4, requestsPerSecond: 500, bytesPerSecond: 2_000_000 };

/** No host is waited for longer, whatever it asks for. */
export const MAX_RETRY_AFTER_MS = 300_000;
/** Requests that a host which was idle may get at once, as the time in which they would leave otherwise. */
const BURST_S = 0.1;
const SHORTEST_WAIT_MS = 5;
/** Waits are longer by up to this share, so that checkers which were refused together don't come back together. */
const JITTER = 0.25;

export interface Clock {
  /** Never goes back. */
  readonly nowMs: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

const realClock: Clock = { nowMs: () => performance.now(), random: Math.random };

interface Waiting {
  readonly wanted: number;
  readonly least: number;
  readonly grant: (connections: number) => void;
}

/** The account of one host, shared by all that ask it. */
export class HostBudget {
  readonly connections: number;
  readonly #clock: Clock;
  readonly #requests: Bucket;
  readonly #bytes: Bucket;
  readonly #isUnlimited: boolean;
  #pausedUntilMs = 0;
  /** In a row. */
  #refusals = 0;
  #free: number;
  readonly #waiting: Waiting[] = [];

  constructor(limits: HostLimits, clock: Clock = realClock) {
    this.connections = limits.connections;
    this.#clock = clock;
    this.#requests = new Bucket(limits.requestsPerSecond, clock.nowMs());
    this.#bytes = new Bucket(limits.bytesPerSecond, clock.nowMs());
    this.#isUnlimited =
      limits.requestsPerSecond === Number.POSITIVE_INFINITY && limits.bytesPerSecond === Number.POSITIVE_INFINITY;
    this.#free = limits.connections;
  }

  /** 0: one request may leave, and is taken from the account. Else the milliseconds after which to ask again. */
  admit(): number {
    if (this.#isUnlimited && this.#pausedUntilMs === 0) return 0;
    const nowMs = this.#clock.nowMs();
    if (nowMs < this.#pausedUntilMs) return Math.ceil(this.#pausedUntilMs - nowMs);
    this.#pausedUntilMs = 0;
    const waitMs = Math.max(this.#requests.waitMs(nowMs), this.#bytes.waitMs(nowMs));
    if (waitMs > 0) return Math.ceil(Math.max(SHORTEST_WAIT_MS, waitMs) * this.#jitter());
    this.#requests.spend(1);
    return 0;
  }

  /** Resolves to true when a request may leave, which is then taken from the account; to false when the signal is raised. */
  async admission(signal: AbortSignal): Promise<boolean> {
    for (let waitMs = this.admit(); waitMs > 0 && !signal.aborted; waitMs = this.admit()) {
      await delay(waitMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return false;
    }
    return !signal.aborted;
  }

  /** A request that left without being asked for: a repeated one, after a cut. */
  sentAgain(): void {
    this.#requests.spend(1);
  }

  transferred(bytes: number): void {
    this.#bytes.spend(bytes);
  }

  get isPaused(): boolean {
    return this.#clock.nowMs() < this.#pausedUntilMs;
  }

  /**
   * The host answered 429 or 503: nobody asks it for as long as its `Retry-After` says, or else longer each time in a row,
   * up to `timeoutMs`. False where it is paused already and says nothing new: what was under way when it began to refuse
   * is refused with it.
   */
  refused(retryAfter: string, timeoutMs: number): boolean {
    const askedMs = retryAfterMs(retryAfter, Date.now());
    if (askedMs === null && this.isPaused) return false;
    this.pause(askedMs ?? Math.min(timeoutMs, (timeoutMs / 10) * 2 ** this.#refusals));
    this.#refusals++;
    return true;
  }

  /** It answered something else. */
  served(): void {
    this.#refusals = 0;
  }

  /** Nobody asks the host for so long, at most `MAX_RETRY_AFTER_MS`, and a little longer. */
  pause(pauseMs: number): void {
    const untilMs = this.#clock.nowMs() + Math.min(pauseMs, MAX_RETRY_AFTER_MS) * this.#jitter();
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, untilMs);
  }

  /**
   * Resolves to the connections that may be opened: as many as are wanted and free, at least `least` or all there are, in
   * the order of the callers. They are to be given back with `release`. 0 when the signal is raised.
   */
  reserve(wanted: number, signal: AbortSignal, least = 1): Promise<number> {
    if (signal.aborted) return Promise.resolve(0);
    return new Promise((resolve) => {
      const entry = {
        wanted,
        least: Math.min(least, this.connections),
        grant: (connections: number) => {
          signal.removeEventListener('abort', leave);
          resolve(connections);
        },
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        resolve(0);
        this.#grant();
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(entry);
      this.#grant();
    });
  }

  release(connections: number): void {
    this.#free += connections;
    this.#grant();
  }

  #grant(): void {
    while (this.#free >= (this.#waiting[0]?.least ?? Number.POSITIVE_INFINITY)) {
      const { wanted, grant } = this.#waiting.shift() as Waiting;
      const granted = Math.min(wanted, this.#free);
      this.#free -= granted;
      grant(granted);
    }
  }

  #jitter(): number {
    return 1 + JITTER * this.#clock.random();
  }
}

/** A token bucket that may be overdrawn: what was spent too much is waited for. */
class Bucket {
  readonly #perSecond: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#tokens = this.#most;
    this.#filledAtMs = nowMs;
  }

  /** Until there is a whole token. */
  waitMs(nowMs: number): number {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return 0;
    const filled = this.#tokens + ((nowMs - this.#filledAtMs) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#most, filled);
    this.#filledAtMs = nowMs;
    return this.#tokens >= 1 ? 0 : ((1 - this.#tokens) / this.#perSecond) * 1000;
  }

  spend(tokens: number): void {
    this.#tokens -= tokens;
  }

  get #most(): number {
    return Math.max(1, this.#perSecond * BURST_S);
  }
}

/** The accounts of all hosts of a run. */
export class HostBudgets {
  readonly #limits: HostLimits;
  readonly #budgets = new Map<string, HostBudget>();

  constructor(limits: HostLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
  }

  /**
   * The account of a URL's host: http and https, and all ports, share it. On a loopback address each port is a host of
   * its own, and unlimited but for its connections: nobody else's machine is there.
   */
  of(url: string): HostBudget {
    const { hostname, host } = new URL(url);
    const isLoopback = /^(127\.[\d.]+|\[::1\]|(.+\.)?localhost)$/.test(hostname);
    const key = isLoopback ? host : hostname;
    let budget = this.#budgets.get(key);
    if (budget === undefined) {
      const unlimited = { requestsPerSecond: Number.POSITIVE_INFINITY, bytesPerSecond: Number.POSITIVE_INFINITY };
      budget = new HostBudget(isLoopback ? { ...this.#limits, ...unlimited } : this.#limits);
      this.#budgets.set(key, budget);
    }
    return budget;
  }
}

/**
 * The wait that a `Retry-After` asks for (RFC 9110, 10.2.3: seconds, or an HTTP-date), at most `MAX_RETRY_AFTER_MS`;
 * null where it is neither. `nowMs` is the time since 1970.
 */
export function retryAfterMs(text: string, nowMs: number): number | null {
  const trimmed = text.trim();
  if (/^\d{1,15}$/.test(trimmed)) return Math.min(Number(trimmed) * 1000, MAX_RETRY_AFTER_MS);
  // All three forms of RFC 9110, 5.6.7 begin with a day's name; what else Date.parse would take is no HTTP-date.
  if (trimmed.length > 40 || !/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(trimmed)) return null;
  const atMs = Date.parse(/GMT$/.test(trimmed) ? trimmed : `${trimmed} GMT`);
  return Number.isNaN(atMs) ? null : Math.min(Math.max(0, atMs - nowMs), MAX_RETRY_AFTER_MS);
}
