import { HeadLine } from './head-line.ts';
import { connectionReason } from './reasons.ts';

/** Many HEAD requests to one origin. Each index from 0 to `count` - 1 gets one call of `onAnswer` or `onFailure`. */
export interface HeadRun {
  /** `http://host[:port]` or `https://…`. */
  readonly origin: string;
  readonly userAgent: string;
  readonly count: number;
  /** An absolute path, percent-encoded. */
  readonly pathOf: (index: number) => string;
  /** `lengthBytes` is -1 where none (or nonsense) is told; `location` is '' but for redirects, and is hostile text. */
  readonly onAnswer: (index: number, status: number, lengthBytes: number, location: string) => void;
  readonly onFailure: (index: number, reason: string) => void;
  readonly connections: number;
  /** Requests under way on one connection. */
  readonly depth: number;
  /** Gives up after so many failures in a row without any answer between. */
  readonly maxStrikes: number;
  readonly timeoutMs: number;
  /** Gives up after this time, however well it goes. */
  readonly budgetMs: number;
  readonly signal: AbortSignal;
}

export interface HeadRunReport {
  readonly ended: 'whole' | 'gave up' | 'interrupted';
  /** Why it gave up; else ''. */
  readonly reason: string;
  readonly requests: number;
  readonly connections: number;
}

const FEW_ANSWERS = 16;
const SHORT_CONNECTIONS_ALLOWED = 2;
const MAX_BACKOFF_MS = 1000;

/** Asks for all of them; resolves when every socket is closed. Interrupted, what was not answered gets no call. */
export function headAll(run: HeadRun): Promise<HeadRunReport> {
  return new Promise((resolve) => new HeadRunner(run, resolve).start());
}

/** The state that the connections of a run share. */
export class HeadRunner {
  readonly run: HeadRun;
  /** Counts strikes; a line that saw the last one fail with it has not failed again. */
  wave = 0;
  strikes = 0;
  requests = 0;
  connections = 0;
  depth: number;
  isSingleUse = false;
  ended = false;
  #next = 0;
  #settled = 0;
  #lastStruck = -1;
  #shortConnections = 0;
  readonly #lines: HeadLine[] = [];
  readonly #resolve: (report: HeadRunReport) => void;
  #budget: NodeJS.Timeout | undefined;

  constructor(run: HeadRun, resolve: (report: HeadRunReport) => void) {
    this.run = run;
    this.depth = run.depth;
    this.#resolve = resolve;
  }

  start(): void {
    const { run } = this;
    if (run.signal.aborted) this.#end('interrupted', '');
    else if (run.count === 0) this.#end('whole', '');
    else this.#begin();
  }

  #begin(): void {
    const { run } = this;
    run.signal.addEventListener('abort', this.#interrupt, { once: true });
    this.#budget = setTimeout(() => this.giveUp(tooSlow(run.budgetMs)), run.budgetMs);
    for (let i = 0; i < run.connections && this.#next < run.count && !this.ended; i++) {
      const line = new HeadLine(this);
      this.#lines.push(line);
      line.open();
    }
  }

  /** The next index to ask for; -1 = none left. */
  take(): number {
    return !this.ended && this.#next < this.run.count ? this.#next++ : -1;
  }

  answered(index: number, status: number, lengthBytes: number, location: string): void {
    this.strikes = 0;
    this.run.onAnswer(index, status, lengthBytes, location);
    this.#settle();
  }

  failed(index: number, reason: string): void {
    this.run.onFailure(index, reason);
    this.#settle();
  }

  /**
   * A connection failed without an answer since the last strike. `index` is what was asked, -1 where it was not even
   * reached: one object that always fails is no sign of a dead server.
   */
  strike(error: unknown, index: number): void {
    if (index >= 0 && index === this.#lastStruck) return;
    this.#lastStruck = index;
    this.wave++;
    if (++this.strikes >= this.run.maxStrikes) this.giveUp(connectionReason(error, this.run.timeoutMs));
  }

  /** How long to wait before a failed request goes out again. */
  backoffMs(): number {
    return Math.min(MAX_BACKOFF_MS, (this.run.timeoutMs / 4) * this.strikes);
  }

  /**
   * A server that cuts connections after few answers throws away most of a deep pipeline: it is asked one at a time.
   * If it cuts them after each answer even then, they are used once: a second request would run into the cut.
   */
  connectionEnded(answers: number): void {
    if (this.ended || answers === 0 || answers >= (this.depth === 1 ? 2 : FEW_ANSWERS)) return;
    if (++this.#shortConnections <= SHORT_CONNECTIONS_ALLOWED) return;
    this.#shortConnections = 0;
    if (this.depth === 1) this.isSingleUse = true;
    this.depth = 1;
    for (const line of this.#lines) line.setDepth(1);
  }

  giveUp(reason: string): void {
    if (this.ended) return;
    const waiting = this.#lines.flatMap((line) => line.indexesUnderWay());
    this.#end('gave up', reason);
    for (const index of waiting) this.run.onFailure(index, reason);
    for (; this.#next < this.run.count; this.#next++) this.run.onFailure(this.#next, reason);
  }

  #settle(): void {
    if (++this.#settled === this.run.count && !this.ended) this.#end('whole', '');
  }

  readonly #interrupt = (): void => this.#end('interrupted', '');

  #end(ended: HeadRunReport['ended'], reason: string): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.#budget);
    this.run.signal.removeEventListener('abort', this.#interrupt);
    // Not at once: undici may be calling from the middle of its queue, which must not vanish under it.
    setImmediate(async () => {
      await Promise.all(this.#lines.map((line) => line.close()));
      this.#resolve({ ended, reason, requests: this.requests, connections: this.connections });
    });
  }
}

function tooSlow(budgetMs: number): string {
  return `too slow: not done within ${Math.round(budgetMs / 60_000)} minutes`;
}
