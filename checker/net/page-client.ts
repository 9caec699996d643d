import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { buildConnector } from './connector.ts';
import type { HostBudget } from './host-budget.ts';
import { type OnBody, type PageAnswer, PageHandler, type PageLimits } from './page-handler.ts';
import { isRefusal } from './refusals.ts';
import { Client } from './undici.ts';

export interface PageClientOptions extends PageLimits {
  /** `http://host[:port]` or `https://…`. */
  readonly origin: string;
  readonly userAgent: string;
  /** The host's account: it may allow fewer connections, and makes requests wait. */
  readonly budget: HostBudget;
  readonly connections: number;
  /** Requests under way on one connection. */
  readonly depth: number;
  /** Raised, every request ends with a reason. */
  readonly signal: AbortSignal;
}

const MAX_HEADER_BYTES = 16 * 1024;
/** A connection that ends so soon throws most of a pipeline away; when that has happened so often, no more are made. */
const FEW_ANSWERS = 16;
const SHORT_CONNECTIONS_ALLOWED = 6;

const INTERRUPTED: PageAnswer = {
  ...{ reason: 'interrupted', status: 0, lengthBytes: -1, isEncoded: false, location: '' },
  ...{ isSilent: false, isEndless: false },
};

interface Line {
  readonly client: Client;
  socket: Socket | null;
  /** Of the socket's bytes, those that are counted. */
  countedBytes: number;
  underWay: number;
  /** Of all its pages under way. */
  weight: number;
  /** Answers on the present connection. */
  answers: number;
}

/** GETs of pages of one origin, pipelined over a few connections; whoever opens one closes it. */
export class PageClient {
  requests = 0;
  connections = 0;
  /** Sent and received, as TCP carried them (over TLS, as TLS did). */
  bytes = 0;
  readonly #options: PageClientOptions;
  readonly #lines: readonly Line[];
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal;
  #shortConnections = 0;
  #width: number;
  #underWay = 0;
  /** Those that wait for a line of their own. */
  readonly #waiting: (() => void)[] = [];

  /** Waits until the host's account has a connection to spare. Interrupted, every answer of it is `interrupted`. */
  static async open(options: PageClientOptions): Promise<PageClient> {
    const connections = await options.budget.reserve(options.connections, options.signal);
    return new PageClient({ ...options, connections });
  }

  private constructor(options: PageClientOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#closing.signal]);
    // Every request that waits listens to it.
    setMaxListeners(0, this.#signal);
    this.#lines = Array.from({ length: options.connections }, () => this.#newLine());
    this.#width = Math.max(1, this.#lines.length * options.depth);
    this.#signal.addEventListener('abort', this.#destroy, { once: true });
  }

  /**
   * Requests it has under way. A quarter as many, on as few connections as that takes, each time the host refuses: how
   * many pages it makes at once (lighttpd: one) does not change.
   */
  get width(): number {
    return this.#width;
  }

  /**
   * Asks once, and hands over the body of a 200 as it comes until `onBody` returns false. `weight`: how long a page is
   * expected, in whatever unit; behind a long one others would wait for long. Never throws.
   */
  get(path: string, onBody: (chunk: Buffer) => boolean, weight = 1): Promise<PageAnswer> {
    return this.#ask(path, onBody, weight);
  }

  /** Asks once, and ends the connection when the headers have come: no body is read. Never throws. */
  peek(path: string): Promise<PageAnswer> {
    return this.#ask(path, null, 1);
  }

  /** Ends every request with a reason, and gives the connections back to the host's account. To be called once. */
  async close(): Promise<void> {
    for (const line of this.#lines) this.#countBytes(line);
    this.#closing.abort();
    await Promise.all(this.#lines.map(({ client }) => client.destroy()));
    this.#options.budget.release(this.#lines.length);
  }

  readonly #destroy = (): void => {
    for (const { client } of this.#lines) void client.destroy();
    for (const wake of this.#waiting.splice(0)) wake();
  };

  async #ask(path: string, onBody: OnBody, weight: number): Promise<PageAnswer> {
    const { budget } = this.#options;
    const line = await this.#admit(weight);
    if (line === null) return INTERRUPTED;
    let retryAfter = '';
    const answer = await new Promise<PageAnswer>((resolve) => {
      const onRefused = (text: string) => {
        retryAfter = text;
      };
      this.#dispatch(line.client, path, new PageHandler(this.#options, onBody, this.#onSent, onRefused, resolve));
    });
    line.answers++;
    this.#countBytes(line);
    if (isRefusal(answer.status)) this.#refused(answer.status, retryAfter);
    else if (answer.status > 0) budget.served();
    this.#release(line, weight);
    return answer;
  }

  /** Null when interrupted. */
  async #admit(weight: number): Promise<Line | null> {
    const { budget } = this.#options;
    while (await budget.admission(this.#signal)) {
      // Chosen not before: by then others may have been sent, and refused.
      const line = await this.#takeLine(weight);
      if (line === null || !budget.isPaused) return line;
      this.#release(line, weight);
    }
    return null;
  }

  /**
   * Where a page comes soonest, and not behind others where that has proven to be in vain. It is loaded with the page at
   * once, so that whoever comes next sees it. Null when interrupted.
   */
  async #takeLine(weight: number): Promise<Line | null> {
    while (!this.#signal.aborted) {
      const inUse = this.#lines.slice(0, Math.ceil(this.#width / this.#options.depth));
      const line = inUse.reduce((least, other) => (isLess(other, least) ? other : least));
      const isFree = line.underWay === 0 || this.#shortConnections < SHORT_CONNECTIONS_ALLOWED;
      if (isFree && this.#underWay < this.#width) {
        this.#underWay++;
        line.weight += weight;
        line.underWay++;
        return line;
      }
      // Not left to undici: it does not bear it when the depth is changed while requests are under way.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return null;
  }

  #release(line: Line, weight: number): void {
    this.#underWay--;
    line.weight -= weight;
    line.underWay--;
    this.#waiting.shift()?.();
  }

  /** What was under way when it began to refuse is refused with it, and says nothing new. */
  #refused(status: number, retryAfter: string): void {
    const { budget, timeoutMs } = this.#options;
    const isNew = !budget.isPaused;
    budget.refused(status, retryAfter, timeoutMs);
    if (isNew) this.#width = Math.max(1, Math.floor(this.#width / 4));
  }

  readonly #onSent = (isAgain: boolean): void => {
    this.requests++;
    if (isAgain) this.#options.budget.sentAgain();
  };

  #dispatch(client: Client, path: string, handler: PageHandler): void {
    const accept = handler.isPeek ? [] : ['accept', 'text/html'];
    const headers = ['user-agent', this.#options.userAgent, ...accept, 'accept-encoding', 'identity'];
    // Without `blocking: false` undici sends nothing behind a GET before its headers have come.
    client.dispatch({ path, method: 'GET', headers, blocking: false, reset: handler.isPeek }, handler);
  }

  #connectionEnded(line: Line): void {
    this.#countBytes(line);
    if (line.answers < FEW_ANSWERS) this.#shortConnections++;
    line.answers = 0;
  }

  #countBytes(line: Line): void {
    if (line.socket === null) return;
    const bytes = line.socket.bytesRead + line.socket.bytesWritten;
    this.bytes += bytes - line.countedBytes;
    this.#options.budget.transferred(bytes - line.countedBytes);
    line.countedBytes = bytes;
  }

  #newLine(): Line {
    const { origin, timeoutMs, depth, budget } = this.#options;
    // A request that waits for the last one to be acknowledged waits 40 ms (RFC 896, RFC 1122 4.2.3.2).
    const connect = buildConnector({ timeout: timeoutMs, noDelay: true }, budget.allowed);
    const client = new Client(origin, {
      pipelining: depth,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connect: (options, callback) =>
        connect(options, (...result) => {
          if (result[0] === null) {
            this.connections++;
            Object.assign(line, { socket: result[1], countedBytes: 0 });
          }
          callback(...result);
        }),
    });
    const line: Line = { client, socket: null, countedBytes: 0, underWay: 0, weight: 0, answers: 0 };
    client.on('disconnect', () => this.#connectionEnded(line));
    return line;
  }
}

function isLess(one: Line, other: Line): boolean {
  return one.weight < other.weight || (one.weight === other.weight && one.underWay < other.underWay);
}
