import { buildConnector } from './connector.ts';
import { connectionReason, isTimeout, statusReason } from './reasons.ts';
import { Client, type Dispatcher } from './undici.ts';

export interface PageClientOptions {
  /** `http://host[:port]` or `https://…`. */
  readonly origin: string;
  readonly userAgent: string;
  readonly connections: number;
  /** Requests under way on one connection. */
  readonly depth: number;
  /** Longest wait for a connection, and longest silence. */
  readonly timeoutMs: number;
  /** Longest time from a page's headers to its end. */
  readonly pageTimeoutMs: number;
  readonly maxPageBytes: number;
}

/** What became of a request for a page. */
export interface PageAnswer {
  /** '' = status 200, and the body was read to its end. Else a sentence. */
  readonly reason: string;
  /** 0 = the connection failed before a whole answer. */
  readonly status: number;
  /** Of a redirect, else ''; hostile text. */
  readonly location: string;
  /** The other side kept silent. */
  readonly isSilent: boolean;
  /** It was given up because it is longer than any page. */
  readonly isEndless: boolean;
}

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_INTERIM_ANSWERS = 8;
/** A connection that ends so soon throws most of a pipeline away; when that has happened so often, none is made. */
const FEW_ANSWERS = 16;
const SHORT_CONNECTIONS_ALLOWED = 6;

interface Line {
  readonly client: Client;
  underWay: number;
  /** Answers on the present connection. */
  answers: number;
}

/** GETs of pages of one origin, pipelined over a few connections; whoever makes one closes it. */
export class PageClient {
  requests = 0;
  connections = 0;
  readonly #options: PageClientOptions;
  readonly #lines: readonly Line[];
  #shortConnections = 0;

  constructor(options: PageClientOptions) {
    this.#options = options;
    this.#lines = Array.from({ length: options.connections }, () => this.#newLine());
  }

  /** Requests it can have under way. */
  get width(): number {
    return this.#options.connections * this.#options.depth;
  }

  /** Asks once, and hands over the body of a 200 as it comes until `onBody` returns false. Never throws. */
  async get(path: string, onBody: (chunk: Buffer) => boolean): Promise<PageAnswer> {
    const line = this.#lines.reduce((least, other) => (other.underWay < least.underWay ? other : least));
    line.underWay++;
    try {
      const answer = await new Promise<PageAnswer>((resolve) => {
        this.#dispatch(line.client, path, new PageHandler(this.#options, onBody, () => this.requests++, resolve));
      });
      line.answers++;
      return answer;
    } finally {
      line.underWay--;
    }
  }

  /** Ends every request under way with a reason. */
  async close(): Promise<void> {
    await Promise.all(this.#lines.map(({ client }) => client.destroy()));
  }

  #dispatch(client: Client, path: string, handler: Dispatcher.DispatchHandler): void {
    const headers = ['user-agent', this.#options.userAgent, 'accept', 'text/html', 'accept-encoding', 'identity'];
    // Without `blocking: false` undici sends nothing behind a GET before its headers have come.
    client.dispatch({ path, method: 'GET', headers, blocking: false }, handler);
  }

  #connectionEnded(line: Line): void {
    const isShort = line.answers < FEW_ANSWERS;
    line.answers = 0;
    if (!isShort || ++this.#shortConnections !== SHORT_CONNECTIONS_ALLOWED) return;
    for (const { client } of this.#lines) client.pipelining = 1;
  }

  #newLine(): Line {
    const { origin, timeoutMs, depth } = this.#options;
    const client = new Client(origin, {
      pipelining: depth,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      // A request that waits for the last one to be acknowledged waits 40 ms (RFC 896, RFC 1122 4.2.3.2).
      connect: buildConnector({ timeout: timeoutMs, noDelay: true }),
    });
    const line = { client, underWay: 0, answers: 0 };
    client.on('connect', () => this.connections++).on('disconnect', () => this.#connectionEnded(line));
    return line;
  }
}

/** undici's low-level handler interface, which it runs on itself. */
class PageHandler implements Dispatcher.DispatchHandler {
  readonly #options: PageClientOptions;
  readonly #onBody: (chunk: Buffer) => boolean;
  readonly #onSent: () => void;
  readonly #resolve: (answer: PageAnswer) => void;
  #abort: ((error?: Error) => void) | null = null;
  #deadline: NodeJS.Timeout | undefined;
  #interim = 0;
  #status = 0;
  #location = '';
  #bytes = 0;
  #given = '';

  constructor(
    options: PageClientOptions,
    onBody: (chunk: Buffer) => boolean,
    onSent: () => void,
    resolve: (answer: PageAnswer) => void,
  ) {
    this.#options = options;
    this.#onBody = onBody;
    this.#onSent = onSent;
    this.#resolve = resolve;
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
    this.#onSent();
  }

  onHeaders(status: number, rawHeaders: Buffer[]): boolean {
    if (status < 200) {
      // Interim answers restart undici's timer: an endless row of them would hold the line for ever.
      if (++this.#interim > MAX_INTERIM_ANSWERS) this.#abort?.();
      return true;
    }
    const { pageTimeoutMs } = this.#options;
    this.#deadline = setTimeout(() => this.#giveUp(`a page not done within ${pageTimeoutMs / 1000} s`), pageTimeoutMs);
    this.#status = status;
    this.#location = headerText(rawHeaders, 'location');
    const encoding = headerText(rawHeaders, 'content-encoding').toLowerCase();
    if (encoding !== '' && encoding !== 'identity') this.#giveUp('answers compressed without being asked');
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#isEndless()) this.#giveUp('sends a page without end');
    else if (this.#status === 200 && this.#given === '' && !this.#onBody(chunk)) this.#giveUp('a page of no use');
    return true;
  }

  onComplete(): void {
    const status = this.#status;
    const reason = this.#given || (status === 200 ? '' : statusReason(status, this.#location));
    this.#settle({ reason, status, location: this.#location, isSilent: false, isEndless: this.#isEndless() });
  }

  onError(error: Error): void {
    const reason = this.#given || connectionReason(error, this.#options.timeoutMs);
    // What we gave up ourselves is an answer: asking again would bring the same.
    const isSilent = isTimeout(error) || (error as NodeJS.ErrnoException).code === 'UND_ERR_CONNECT_TIMEOUT';
    this.#settle({
      reason,
      status: this.#given === '' ? 0 : this.#status,
      location: '',
      isSilent,
      isEndless: this.#isEndless(),
    });
  }

  #isEndless(): boolean {
    return this.#bytes > this.#options.maxPageBytes;
  }

  #giveUp(reason: string): void {
    this.#given ||= reason;
    this.#abort?.();
  }

  #settle(answer: PageAnswer): void {
    clearTimeout(this.#deadline);
    this.#resolve(answer);
  }
}

function headerText(rawHeaders: readonly Buffer[], name: string): string {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const key = rawHeaders[i] as Buffer;
    if (key.length === name.length && key.toString('latin1').toLowerCase() === name) {
      return (rawHeaders[i + 1] as Buffer).toString('latin1');
    }
  }
  return '';
}
