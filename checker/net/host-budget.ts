import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { HostWish } from '../../core/formats/hosts-file.ts';
import { Bucket } from './bucket.ts';
import { type Allowed, allowedFor } from './reach.ts';
import { retryAfterMs } from './retry-after.ts';

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

/** No host is waited for longer within a run: one that asks for more is left alone for the rest of it. */
const MAX_PAUSE_MS = 300_000;
const SHORTEST_WAIT_MS = 5;
/** Waits are longer by up to this share, so that checkers which were refused together don't come back together. */
const JITTER = 0.25;

export interface Clock {
  /** Never goes back. */
  readonly nowMs: () => number;
  /** Since 1970. */
  readonly wallMs: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

const realClock: Clock = { nowMs: () => performance.now(), wallMs: Date.now, random: Math.random };

interface Waiting {
  readonly wanted: number;
  readonly grant: (connections: number) => void;
}

/** The account of one host, shared by all that ask it. */
export class HostBudget {
  readonly connections: number;
  /** Where connections to it may go. */
  readonly allowed: Allowed;
  readonly #clock: Clock;
  #requests: Bucket;
  readonly #bytes: Bucket;
  #isUnlimited: boolean;
  readonly #leftAlone = new AbortController();
  #isLeftAlone = false;
  #pausedUntilMs = 0;
  /** In a row. */
  #refusals = 0;
  #wish: HostWish | null;
  #free: number;
  readonly #waiting: Waiting[] = [];

  /** `wish`: what the host asked for in earlier runs; `allowed`: where its name may lead. */
  constructor(limits: HostLimits, clock: Clock = realClock, wish: HostWish | null = null, allowed: Allowed = null) {
    this.allowed = allowed;
    this.connections = limits.connections;
    this.#clock = clock;
    this.#requests = new Bucket(limits.requestsPerSecond, clock.nowMs());
    this.#bytes = new Bucket(limits.bytesPerSecond, clock.nowMs());
    this.#isUnlimited =
      limits.requestsPerSecond === Number.POSITIVE_INFINITY && limits.bytesPerSecond === Number.POSITIVE_INFINITY;
    this.#free = limits.connections;
    this.#wish = wish;
    // Whoever asks it listens.
    setMaxListeners(0, this.leftAlone);
    if (wish !== null) this.#wait(wish.notBeforeMs - clock.wallMs());
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

  /** From now on, where that is less than before. */
  slowTo(requestsPerSecond: number): void {
    if (requestsPerSecond >= this.#requests.perSecond) return;
    this.#requests = new Bucket(requestsPerSecond, this.#clock.nowMs());
    this.#isUnlimited = false;
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
   * The host answered `status`, 429 or 503: nobody asks it for as long as its `Retry-After` says, or else longer each time
   * in a row, up to `timeoutMs`. False where it is paused already and says nothing new: what was under way when it began
   * to refuse is refused with it.
   */
  refused(status: number, retryAfter: string, timeoutMs: number): boolean {
    const askedMs = retryAfterMs(retryAfter, this.#clock.wallMs());
    const notBeforeMs = askedMs === null ? 0 : this.#clock.wallMs() + askedMs;
    this.#wish = { status, notBeforeMs: Math.max(notBeforeMs, this.#wish?.notBeforeMs ?? 0) };
    if (askedMs === null && this.isPaused) return false;
    const shortestMs = timeoutMs / 10;
    // "At once" is no pause.
    this.#wait(
      askedMs === null ? Math.min(timeoutMs, shortestMs * 2 ** this.#refusals) : Math.max(askedMs, shortestMs),
    );
    this.#refusals++;
    return true;
  }

  /** What it asked for when it refused last, in this run or before; null = it never did. */
  get wish(): HostWish | null {
    return this.#wish;
  }

  /** Whether nobody is to ask it any more in this run. */
  get isLeftAlone(): boolean {
    return this.#isLeftAlone;
  }

  /** Raised soon after that. */
  get leftAlone(): AbortSignal {
    return this.#leftAlone.signal;
  }

  leaveAlone(): void {
    this.#isLeftAlone = true;
    // Not at once: whoever listens may be in the midst of reading the answer.
    setImmediate(() => this.#leftAlone.abort());
  }

  /** It answered something else. */
  served(): void {
    this.#refusals = 0;
  }

  #wait(forMs: number): void {
    if (forMs > MAX_PAUSE_MS) this.leaveAlone();
    const untilMs = this.#clock.nowMs() + Math.min(forMs, MAX_PAUSE_MS) * this.#jitter();
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, untilMs);
  }

  /**
   * Resolves to the connections that may be opened: as many as are wanted and free, at least one, in the order of the
   * callers. They are to be given back with `release`. 0 when the signal is raised.
   */
  reserve(wanted: number, signal: AbortSignal): Promise<number> {
    if (signal.aborted) return Promise.resolve(0);
    return new Promise((resolve) => {
      const entry = {
        wanted,
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
    while (this.#free > 0 && this.#waiting.length > 0) {
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

/** The accounts of all hosts of a run. */
export class HostBudgets {
  readonly #limits: HostLimits;
  readonly #wishes: ReadonlyMap<string, HostWish>;
  readonly #clock: Clock;
  readonly #private: ReadonlySet<string>;
  readonly #budgets = new Map<string, HostBudget>();

  /**
   * `wishes`: what hosts asked for in earlier runs, by host. `wallMs`: the time since 1970. `privateUrls`: of hosts whose
   * names may lead to addresses that are not public.
   */
  constructor(
    limits: HostLimits = DEFAULT_LIMITS,
    wishes: ReadonlyMap<string, HostWish> = new Map(),
    wallMs: () => number = Date.now,
    privateUrls: readonly string[] = [],
  ) {
    this.#private = new Set(privateUrls.map(hostKey));
    this.#limits = limits;
    this.#wishes = wishes;
    this.#clock = { ...realClock, wallMs };
  }

  /**
   * The account of a URL's host: all protocols and ports share it. On a loopback address each port is a host of its own,
   * and unlimited but for its connections: nobody else's machine is there.
   */
  of(url: string): HostBudget {
    const key = hostKey(url);
    const isLoopback = isLoopbackHost(new URL(url).hostname);
    let budget = this.#budgets.get(key);
    if (budget === undefined) {
      const unlimited = { requestsPerSecond: Number.POSITIVE_INFINITY, bytesPerSecond: Number.POSITIVE_INFINITY };
      const limits = isLoopback ? { ...this.#limits, ...unlimited } : this.#limits;
      const allowed = allowedFor(url, this.#private.has(key));
      budget = new HostBudget(limits, this.#clock, this.#wishes.get(key) ?? null, allowed);
      this.#budgets.set(key, budget);
    }
    return budget;
  }

  /** Whom nobody is to ask any more in this run, and what they asked for. */
  get leftAlone(): ReadonlyMap<string, HostWish> {
    const alone = [...this.#budgets].filter(([, { isLeftAlone }]) => isLeftAlone);
    return new Map(alone.flatMap(([host, { wish }]) => (wish === null ? [] : [[host, wish] as const])));
  }

  /** What hosts have asked for by now, those of earlier runs with them. */
  get wishes(): ReadonlyMap<string, HostWish> {
    const said = [...this.#budgets].flatMap(([host, { wish }]) => (wish === null ? [] : [[host, wish] as const]));
    return new Map([...this.#wishes, ...said]);
  }
}

/** Who answers at a URL: its host, or on loopback addresses host and port. */
export function hostKey(url: string): string {
  const { hostname, host } = new URL(url);
  // Of rsync and ftp URLs it is left as it was written.
  return (isLoopbackHost(hostname) ? host : hostname).toLowerCase();
}

/** Whether a URL's hostname means this machine. */
export function isLoopbackHost(hostname: string): boolean {
  return /^(127\.[\d.]+|\[::1\]|(.+\.)?localhost)$/i.test(hostname);
}
