import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { buildConnector } from './connector.ts';
import { Lane } from './head-lane.ts';
import type { HeadRunner } from './head-run.ts';
import { Client, type Dispatcher } from './undici.ts';

const MAX_HEADER_BYTES = 16 * 1024;
/** So long a host may take to end a connection after its last answer. */
const LINGER_MS = 1000;

/**
 * One connection with as many lanes as requests are under way on it. After a cut undici fails the first request of the
 * pipeline and sends the others again on a new connection.
 */
export class HeadLine {
  readonly runner: HeadRunner;
  /** Answers on the present connection. */
  answers = 0;
  isConnected = false;
  /** The runner's `wave` when this line last did something. */
  wave = 0;
  readonly #client: Client;
  readonly #lanes: Lane[] = [];
  readonly #resting: Lane[] = [];
  #socket: Socket | null = null;
  /** Requests written on the present connection. */
  #written = 0;
  /** Requests that undici was given and has not written yet. */
  #queued = 0;
  #countedBytes = 0;
  #corked = false;
  readonly #toRetry: Lane[] = [];
  #retryTimer: NodeJS.Timeout | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;

  constructor(runner: HeadRunner) {
    this.runner = runner;
    const { origin, timeoutMs, ca, budget, http2: allowH2 = false } = runner.run;
    const connect = buildConnector(
      { timeout: timeoutMs, allowH2, ...(ca === undefined ? {} : { ca }) },
      budget.allowed,
    );
    this.#client = new Client(origin, {
      pipelining: runner.depth,
      allowH2,
      maxConcurrentStreams: runner.run.depth.most,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: timeoutMs,
      // The same figure: undici then only refreshes one timer for each answer.
      bodyTimeout: timeoutMs,
      keepAliveTimeoutThreshold: 0,
      connect: (options, callback) => {
        this.wave = runner.wave;
        this.isConnected = false;
        // undici's connector hands the socket back before it is connected (its types leave that out).
        const connecting = connect(options, (...result) => {
          if (result[0] === null) this.#connected(result[1]);
          callback(...result);
        }) as unknown as Socket;
        this.#socket = connecting;
      },
    });
    this.#client.on('disconnect', (_origin, _targets, error) => {
      this.#countBytes();
      runner.connectionEnded(this.answers, error);
      this.#written = 0;
      this.#soon();
    });
  }

  /** One more request, where depth and budget allow it and something is left to ask; false = not. */
  add(): boolean {
    if (this.#toRetry.length > 0) return this.#sendRetry();
    if (this.#underWay >= this.runner.depth || this.#isFull() || !this.runner.isInUse(this)) return false;
    const index = this.runner.take();
    if (index < 0) return false;
    let lane = this.#resting.pop();
    if (lane === undefined) {
      lane = new Lane(this, this.runner.run.userAgent);
      this.#lanes.push(lane);
    }
    lane.ask(index);
    return true;
  }

  /** After an answer: the lane asks on, or rests. */
  goOn(lane: Lane): void {
    const mayAsk = this.#underWay <= this.runner.depth && !this.#isFull() && this.runner.isInUse(this);
    const index = mayAsk ? this.runner.take() : -1;
    if (index >= 0) {
      lane.ask(index);
      return;
    }
    this.#resting.push(lane);
    if (this.runner.depth === 1 && this.#underWay === 1) setImmediate(() => this.setDepth(this.runner.depth));
    if (this.#underWay === 0 && this.#isFull()) this.#lingerTimer ??= setTimeout(this.#outlived, LINGER_MS);
  }

  get #underWay(): number {
    return this.#lanes.length - this.#resting.length;
  }

  /** The host will end the connection after what it was asked already: more would run into the cut. */
  #isFull(): boolean {
    const { answersPerConnection } = this.runner;
    return answersPerConnection > 1 && this.#written + this.#queued >= answersPerConnection;
  }

  /** It did not end the connection where it used to. */
  readonly #outlived = (): void => {
    this.#lingerTimer = undefined;
    this.runner.answersPerConnection = Number.POSITIVE_INFINITY;
    while (this.add());
  };

  /** As `goOn`, later: undici may be in the middle of failing its queue. */
  rest(lane: Lane): void {
    this.#resting.push(lane);
    this.#soon();
  }

  /** undici told to pipeline no more fails a connection (an assertion) on which it still waits for several answers. */
  setDepth(depth: number): void {
    if (this.runner.ended) return;
    this.#client.pipelining = this.#underWay > 1 ? Math.max(2, depth) : depth;
  }

  dispatch(options: Dispatcher.DispatchOptions, lane: Lane): void {
    this.#queued++;
    // Without `reset: false` undici closes the connection after every HEAD.
    options.reset = this.runner.answersPerConnection === 1;
    this.#client.dispatch(options, lane);
  }

  /** Before each write: all that is written in one turn of the event loop goes out with one system call. */
  writing(lane: Lane, isAgain: boolean): void {
    this.runner.requests++;
    this.#written++;
    this.runner.startTiming(lane);
    if (isAgain) this.runner.run.budget.sentAgain();
    else this.#queued--;
    if (this.#corked) return;
    this.#corked = true;
    this.#socket?.cork();
    process.nextTick(this.#uncork);
  }

  failed(lane: Lane, wasWritten: boolean): void {
    if (!wasWritten) this.#queued--;
    this.runner.forgetTiming(lane);
  }

  answered(lane: Lane, isRefusal: boolean): void {
    this.answers++;
    this.wave = this.runner.wave;
    // What was under way when the host began to refuse is refused fast: no reason to ask deeper after the pause.
    if (isRefusal) this.runner.forgetTiming(lane);
    else this.runner.stopTiming(lane, this.answers === 1);
  }

  /** Sends again, later: undici may be in the middle of failing its queue. */
  retry(lane: Lane): void {
    this.#toRetry.push(lane);
    this.#soon();
  }

  #soon(): void {
    if (!this.runner.ended) this.#retryTimer ??= setTimeout(this.#sendRetries, this.runner.backoffMs());
  }

  indexesUnderWay(): number[] {
    return this.#lanes.map((lane) => lane.index).filter((index) => index >= 0);
  }

  async close(): Promise<void> {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#lingerTimer);
    this.#countBytes();
    const closed = this.#client.destroy();
    // A socket that is still connecting is not the client's yet.
    this.#socket?.destroy();
    await closed;
  }

  #connected(socket: Socket): void {
    this.runner.connections++;
    this.runner.isHttp2 ||= (socket as Partial<TLSSocket>).alpnProtocol === 'h2';
    this.#socket = socket;
    this.#corked = false;
    this.#written = 0;
    this.#countedBytes = 0;
    this.isConnected = true;
    this.answers = 0;
    clearTimeout(this.#lingerTimer);
    this.#lingerTimer = undefined;
  }

  #countBytes(): void {
    if (this.#socket === null || !this.isConnected) return;
    const bytes = this.#socket.bytesRead + this.#socket.bytesWritten;
    this.runner.bytes += bytes - this.#countedBytes;
    this.runner.run.budget.transferred(bytes - this.#countedBytes);
    this.#countedBytes = bytes;
  }

  readonly #uncork = (): void => {
    this.#corked = false;
    this.#socket?.uncork();
    this.#countBytes();
  };

  readonly #sendRetries = (): void => {
    this.#retryTimer = undefined;
    while (this.add());
  };

  #sendRetry(): boolean {
    if (this.#retryTimer !== undefined || this.runner.ended || !this.runner.isAdmitted()) return false;
    this.#toRetry.shift()?.send();
    return true;
  }
}
