import { type DepthEvent, type DepthState, nextDepth, startDepth } from './depth.ts';
import type { Lane } from './head-lane.ts';
import { HeadLine } from './head-line.ts';
import { HeadQueue } from './head-queue.ts';
import type { HostBudget } from './host-budget.ts';
import { connectionReason, inWords, isStrayAnswer, isTimeout, statusReason } from './reasons.ts';
import { isRefusal } from './refusals.ts';

/** Many HEAD requests to one origin. Each index from 0 to `count` - 1 gets one call of `onAnswer` or `onFailure`. */
export interface HeadRun {
  /** `http://host[:port]` or `https://…`. */
  readonly origin: string;
  readonly userAgent: string;
  readonly count: number;
  /** An absolute path, percent-encoded. */
  readonly pathOf: (index: number) => string;
  /**
   * `lengthBytes` is -1 where none (or nonsense) is told, and that of something else where the answer `isEncoded`;
   * `location` is '' but for redirects, and is hostile text.
   */
  readonly onAnswer: (index: number, status: number, lengthBytes: number, location: string, isEncoded: boolean) => void;
  readonly onFailure: (index: number, reason: string) => void;
  /** Told how long an answer took that was not the first on its connection; of one request under way at a time. */
  readonly onRound?: (latencyMs: number) => void;
  /** At most; the host's budget may allow fewer. */
  readonly connections: number;
  /** Requests under way on one connection: at first, and at most. */
  readonly depth: { readonly first: number; readonly most: number };
  /** Each connection is used for one request. */
  readonly singleUse?: boolean;
  /** Over HTTP/2 where the host agrees to it: `depth` is then the number of streams. */
  readonly http2?: boolean;
  readonly budget: HostBudget;
  /** Gives up after so many failures in a row without any answer between. */
  readonly maxStrikes: number;
  readonly timeoutMs: number;
  /** Gives up after this time, however well it goes. */
  readonly budgetMs: number;
  /** Of it, what earlier runs have spent. Default: 0. */
  readonly spentMs?: number;
  /** Looked at before each request but the first: once true, none is begun any more. */
  readonly isEnough?: () => boolean;
  readonly signal: AbortSignal;
  /** Certificates to trust instead of the system's. */
  readonly ca?: Buffer;
}

export interface HeadRunReport {
  /** enough: what was begun is answered. */
  readonly ended: 'whole' | 'enough' | 'gave up' | 'interrupted';
  /** Indexes before this one were begun. */
  readonly next: number;
  /** Why it gave up; else ''. */
  readonly reason: string;
  readonly requests: number;
  readonly connections: number;
  /** Sent and received, as TCP carried them (over TLS, as TLS did). */
  readonly bytes: number;
  /** An answer was followed by bytes that are no answer: a HEAD answered with a body. */
  readonly isMismatched: boolean;
  /** HTTP/2 was spoken. */
  readonly isHttp2: boolean;
  /** The most requests that were under way on one connection. */
  readonly deepest: number;
}

const MAX_BACKOFF_MS = 1000;

/** Asks for all of them; resolves when every socket is closed. Interrupted, what was not answered gets no call. */
export async function headAll(run: HeadRun): Promise<HeadRunReport> {
  const connections = await run.budget.reserve(run.connections, run.signal);
  try {
    return await new Promise((resolve) => new HeadRunner({ ...run, connections }, resolve).start());
  } finally {
    run.budget.release(connections);
  }
}

/** The state that the connections of a run share. */
export class HeadRunner {
  readonly run: HeadRun;
  /** Counts strikes; a line that saw the last one fail with it has not failed again. */
  wave = 0;
  strikes = 0;
  requests = 0;
  connections = 0;
  bytes = 0;
  isHttp2 = false;
  /** Requests that one connection takes before the host ends it; Infinity = not known. */
  answersPerConnection: number;
  ended = false;
  #depth: DepthState;
  #deepest: number;
  readonly #queue: HeadQueue;
  #lastStruck = -1;
  #lastCutAfter = 0;
  #isMismatched = false;
  readonly #lines: HeadLine[] = [];
  /** Of the lines, those that ask; the others only end what they began. */
  #inUse = 0;
  readonly #resolve: (report: HeadRunReport) => void;
  #budgetTimer: NodeJS.Timeout | undefined;
  #wakeTimer: NodeJS.Timeout | undefined;
  #isTurning = false;
  #timed: Lane | null = null;
  #timedAtMs = 0;

  constructor(run: HeadRun, resolve: (report: HeadRunReport) => void) {
    this.run = run;
    this.#depth = startDepth(run.depth.first, run.depth.most);
    this.answersPerConnection = run.singleUse === true ? 1 : Number.POSITIVE_INFINITY;
    this.#deepest = this.depth;
    this.#queue = new HeadQueue(run.count, run.isEnough);
    this.#resolve = resolve;
  }

  get depth(): number {
    return Math.min(this.#depth.depth, this.answersPerConnection);
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
    this.#budgetTimer = setTimeout(this.#outOfTime, run.budgetMs - (run.spentMs ?? 0));
    for (let i = 0; i < Math.min(run.connections, run.count); i++) this.#lines.push(new HeadLine(this));
    this.#inUse = this.#lines.length;
    this.#fillLines();
  }

  /** The next index to ask for; -1 = none left, or none may be asked yet: the lines are filled when one may. */
  take(): number {
    if (this.ended) return -1;
    const index = this.#queue.take(this.isAdmitted);
    if (index < 0) this.#endIfDone();
    return index;
  }

  /** Whether a request may leave now; if not, the lines are woken when one may. */
  readonly isAdmitted = (): boolean => {
    const waitMs = this.run.budget.admit();
    if (waitMs === 0) return true;
    this.#wakeTimer ??= setTimeout(this.#wake, waitMs);
    return false;
  };

  answered(
    index: number,
    status: number,
    lengthBytes: number,
    location: string,
    retryAfter: string,
    isEncoded: boolean,
  ): void {
    this.strikes = 0;
    this.#isBack();
    if (isRefusal(status)) {
      this.#wasRefused(index, status, retryAfter);
      return;
    }
    this.#queue.refusals.over();
    this.run.budget.served();
    this.run.onAnswer(index, status, lengthBytes, location, isEncoded);
    this.#settle();
  }

  /** Says nothing of the object: it is asked for again after a pause, but not for ever. */
  #wasRefused(index: number, status: number, retryAfter: string): void {
    const { budget, timeoutMs } = this.run;
    const isNew = !budget.isPaused;
    budget.refused(status, retryAfter, timeoutMs);
    if (isNew) this.#askLess();
    const { refusals } = this.#queue;
    if (!refusals.isAskedAgain(index, status, isNew)) {
      this.run.onAnswer(index, status, -1, '', false);
      this.#settle();
    }
    if (refusals.isEndless) this.giveUp(statusReason(status, ''));
  }

  #isBack(): void {
    if (this.#queue.back()) this.#soon();
  }

  /** One at a time; where that is too much, on one connection. */
  #askLess(): void {
    if (this.depth === 1) this.#inUse = 1;
    // What was under way, and is answered, was sent before: no reason to ask deeper.
    this.#timed = null;
    this.observe({ type: 'refused' });
  }

  isInUse(line: HeadLine): boolean {
    return this.#lines.indexOf(line) < this.#inUse;
  }

  failed(index: number, reason: string): void {
    this.#isBack();
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

  /** One request at a time is timed, from when it is written: its answer ends a round, and depth grows by rounds. */
  startTiming(lane: Lane): void {
    if (this.#timed !== null && this.#timed !== lane) return;
    this.#timed = lane;
    this.#timedAtMs = performance.now();
  }

  stopTiming(lane: Lane, isFirst: boolean): void {
    if (this.#timed !== lane) return;
    this.#timed = null;
    const latencyMs = performance.now() - this.#timedAtMs;
    if (!isFirst) this.run.onRound?.(latencyMs);
    this.observe({ type: 'round', latencyMs });
  }

  forgetTiming(lane: Lane): void {
    if (this.#timed === lane) this.#timed = null;
  }

  /** What the host did, for the depth; a new one is in force from the next turn of the event loop on. */
  observe(event: DepthEvent): void {
    const before = this.depth;
    this.#depth = nextDepth(this.#depth, event);
    if (this.depth !== before) this.#soon();
  }

  connectionEnded(answers: number, error: unknown): void {
    if (this.ended || answers === 0) return;
    if (isStrayAnswer(error)) this.#mismatch();
    else if (isTimeout(error)) this.observe({ type: 'timeout' });
    else if (answers !== this.answersPerConnection) this.#wasCut(answers);
  }

  /**
   * A host that ends two connections after equally many answers will end the next after as many: no more is sent on
   * it, and nothing runs into the cut.
   */
  #wasCut(answers: number): void {
    if (answers === this.#lastCutAfter) this.answersPerConnection = answers;
    else this.observe({ type: 'cut', answers });
    this.#lastCutAfter = answers;
  }

  /** A body that looks like an answer would be taken for one: no connection is used twice any more. */
  #mismatch(): void {
    this.#isMismatched = true;
    this.answersPerConnection = 1;
    this.observe({ type: 'mismatch' });
  }

  giveUp(reason: string): void {
    if (this.ended) return;
    const { waiting: refused, alone } = this.#queue.refusals;
    const waiting = [...this.#lines.flatMap((line) => line.indexesUnderWay()), ...refused, ...alone];
    this.#end('gave up', reason);
    for (const index of waiting) this.run.onFailure(index, reason);
    for (; this.#queue.next < this.run.count; this.#queue.next++) this.run.onFailure(this.#queue.next, reason);
  }

  #settle(): void {
    this.#queue.settle();
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#queue.ended !== null) this.#end(this.#queue.ended, '');
  }

  readonly #wake = (): void => {
    this.#wakeTimer = undefined;
    this.#fillLines();
  };

  /** Later: undici's parser, of which there is one for all connections, may be in the middle of an answer. */
  #soon(): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    setImmediate(() => {
      this.#isTurning = false;
      this.#deepest = Math.max(this.#deepest, this.depth);
      for (const line of this.#lines) line.setDepth(this.depth);
      this.#fillLines();
    });
  }

  #fillLines(): void {
    // In turn, so that few objects are spread over all connections.
    for (let more = !this.ended; more; ) {
      more = false;
      for (const line of this.#lines) more = line.add() || more;
    }
  }

  readonly #outOfTime = (): void => {
    const { status } = this.#queue.refusals;
    const refused = status === 0 ? '' : `${statusReason(status, '')} and is waited for: `;
    this.giveUp(`${refused}too slow, not done within ${inWords(this.run.budgetMs)}`);
  };

  readonly #interrupt = (): void => this.#end('interrupted', '');

  #end(ended: HeadRunReport['ended'], reason: string): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.#budgetTimer);
    clearTimeout(this.#wakeTimer);
    this.run.signal.removeEventListener('abort', this.#interrupt);
    // Not at once: undici may be calling from the middle of its queue, which must not vanish under it.
    setImmediate(async () => {
      await Promise.all(this.#lines.map((line) => line.close()));
      this.#resolve({
        ended,
        next: this.#queue.next,
        reason,
        requests: this.requests,
        connections: this.connections,
        bytes: this.bytes,
        isMismatched: this.#isMismatched,
        isHttp2: this.isHttp2,
        deepest: this.#deepest,
      });
    });
  }
}
