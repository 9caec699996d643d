import { Interim } from './interim.ts';
import { contentLength, headerText, isEncoded } from './raw-headers.ts';
import { COMPRESSED, connectionReason, inWords, isTimeout, statusReason } from './reasons.ts';
import { isRefusal } from './refusals.ts';
import type { Dispatcher } from './undici.ts';

/** What a page may take. */
export interface PageLimits {
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
  /** As told; -1 where it is not. */
  readonly lengthBytes: number;
  /** It comes compressed, and the length is that of something else. */
  readonly isEncoded: boolean;
  /** Of a redirect, else ''; hostile text. */
  readonly location: string;
  /** The other side kept silent. */
  readonly isSilent: boolean;
  /** It was given up because it is longer than any page. */
  readonly isEndless: boolean;
}

/** The reason where `onBody` wanted no more. */
export const BROKEN_PAGE = 'a page that cannot be read';

/** null: the headers are enough. */
export type OnBody = ((chunk: Buffer) => boolean) | null;

/** undici's low-level handler interface, which it runs on itself. */
export class PageHandler implements Dispatcher.DispatchHandler {
  readonly #options: PageLimits;
  readonly #onBody: OnBody;
  readonly #onSent: (isAgain: boolean) => void;
  readonly #onRefused: (retryAfter: string) => void;
  readonly #resolve: (answer: PageAnswer) => void;
  #abort: ((error?: Error) => void) | null = null;
  #deadline: NodeJS.Timeout | undefined;
  #writes = 0;
  readonly #interim = new Interim();
  #status = 0;
  #lengthBytes = -1;
  #isEncoded = false;
  #location = '';
  #bytes = 0;
  #given: string | null = null;

  constructor(
    options: PageLimits,
    onBody: OnBody,
    onSent: (isAgain: boolean) => void,
    onRefused: (retryAfter: string) => void,
    resolve: (answer: PageAnswer) => void,
  ) {
    this.#options = options;
    this.#onBody = onBody;
    this.#onSent = onSent;
    this.#onRefused = onRefused;
    this.#resolve = resolve;
  }

  get isPeek(): boolean {
    return this.#onBody === null;
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
    this.#onSent(++this.#writes > 1);
  }

  onHeaders(status: number, rawHeaders: Buffer[]): boolean {
    if (status < 200) {
      if (this.#interim.isTooMany()) this.#abort?.();
      return true;
    }
    const { pageTimeoutMs } = this.#options;
    this.#deadline = setTimeout(
      () => this.#giveUp(`a page is not done within ${inWords(pageTimeoutMs)}`),
      pageTimeoutMs,
    );
    this.#status = status;
    this.#lengthBytes = contentLength(rawHeaders);
    this.#isEncoded = isEncoded(rawHeaders);
    this.#location = headerText(rawHeaders, 'location');
    if (isRefusal(status)) this.#onRefused(headerText(rawHeaders, 'retry-after'));
    if (this.isPeek) this.#giveUp('');
    else if (this.#isEncoded) this.#giveUp(COMPRESSED);
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#isEndless()) this.#giveUp('sends a page without end');
    else if (this.#status === 200 && this.#given === null && this.#onBody?.(chunk) === false) this.#giveUp(BROKEN_PAGE);
    return true;
  }

  onComplete(): void {
    const ofStatus = this.#status === 200 ? '' : statusReason(this.#status, this.#location);
    this.#settle(this.#given ?? ofStatus, this.#status, this.#location, false);
  }

  onError(error: Error): void {
    // What we gave up ourselves is an answer: asking again would bring the same.
    if (this.#given !== null) this.#settle(this.#given, this.#status, this.#location, false);
    else {
      const isSilent = isTimeout(error) || (error as NodeJS.ErrnoException).code === 'UND_ERR_CONNECT_TIMEOUT';
      this.#settle(connectionReason(error, this.#options.timeoutMs), 0, '', isSilent);
    }
  }

  #isEndless(): boolean {
    return this.#bytes > this.#options.maxPageBytes;
  }

  #giveUp(reason: string): void {
    this.#given ??= reason;
    this.#abort?.();
  }

  #settle(reason: string, status: number, location: string, isSilent: boolean): void {
    clearTimeout(this.#deadline);
    const [lengthBytes, isEncoded] = [this.#lengthBytes, this.#isEncoded];
    this.#resolve({ reason, status, lengthBytes, isEncoded, location, isSilent, isEndless: this.#isEndless() });
  }
}
