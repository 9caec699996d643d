import type { HeadLine } from './head-line.ts';
import { Interim } from './interim.ts';
import { contentLength, headerText, isEncoded } from './raw-headers.ts';
import { connectionReason, isTimeout } from './reasons.ts';
import { isRefusal } from './refusals.ts';
import type { Dispatcher } from './undici.ts';

const MAX_TRIES = 4;
/** Cuts of connections that had answered something: progress, but not for ever. */
const MAX_CUTS = 16;

/**
 * One request at a time, over and over. Its methods are undici's low-level handler interface, which undici 7 itself
 * runs on: it hands over raw headers, where the newer one builds three objects for each answer.
 */
export class Lane implements Dispatcher.DispatchHandler {
  /** What it asks for; -1 = nothing. */
  index = -1;
  readonly #line: HeadLine;
  readonly #options: Dispatcher.DispatchOptions;
  #tries = 0;
  #cuts = 0;
  #writes = 0;
  readonly #interim = new Interim();
  #status = 0;
  #lengthBytes = -1;
  #isEncoded = false;
  #location = '';
  #retryAfter = '';
  #abort: ((error?: Error) => void) | null = null;

  constructor(line: HeadLine, userAgent: string) {
    this.#line = line;
    const headers = ['user-agent', userAgent, 'accept-encoding', 'identity'];
    this.#options = { path: '/', method: 'HEAD', headers };
  }

  ask(index: number): void {
    this.index = index;
    this.#tries = 0;
    this.#cuts = 0;
    this.#options.path = this.#line.runner.run.pathOf(index);
    this.send();
  }

  send(): void {
    this.#writes = 0;
    this.#interim.begin();
    this.#line.dispatch(this.#options, this);
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
    this.#line.writing(this, ++this.#writes > 1);
  }

  onHeaders(status: number, rawHeaders: Buffer[]): boolean {
    if (status < 200) {
      if (this.#interim.isTooMany()) this.#abort?.();
      return true;
    }
    this.#status = status;
    this.#lengthBytes = contentLength(rawHeaders);
    this.#isEncoded = status === 200 && isEncoded(rawHeaders);
    this.#location = status >= 300 && status < 400 ? headerText(rawHeaders, 'location') : '';
    this.#retryAfter = isRefusal(status) ? headerText(rawHeaders, 'retry-after') : '';
    return true;
  }

  onData(): boolean {
    return true;
  }

  onComplete(): void {
    const line = this.#line;
    const { index } = this;
    line.answered(this, isRefusal(this.#status));
    this.index = -1;
    if (line.runner.ended) return;
    line.runner.answered(index, this.#status, this.#lengthBytes, this.#location, this.#retryAfter, this.#isEncoded);
    line.goOn(this);
  }

  onError(error: Error): void {
    const line = this.#line;
    const { runner } = line;
    line.failed(this, this.#writes > 0);
    if (runner.ended) return;
    const progress = line.answers > 0 && !isTimeout(error);
    if (!progress && line.wave === runner.wave) runner.strike(error, line.isConnected ? this.index : -1);
    if (runner.ended) return;
    if (progress) this.#cuts++;
    else this.#tries++;
    if (this.#tries < MAX_TRIES && this.#cuts < MAX_CUTS) {
      line.retry(this);
      return;
    }
    const { index } = this;
    this.index = -1;
    runner.failed(index, connectionReason(error, runner.run.timeoutMs));
    line.rest(this);
  }
}
