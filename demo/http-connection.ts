import { createReadStream } from 'node:fs';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { onDisk } from './link-tree.ts';
import { BAD_REQUEST, type FileBody, METHOD_NOT_ALLOWED, type Reply, type Responder } from './reply.ts';
import { parseRequest, type Request } from './request.ts';

const MAX_HEAD_CHARACTERS = 16 * 1024;
const LINGER_MS = 1000;

/**
 * Answers the requests of one connection in their order (RFC 9112, 9.3.2), many in one write where they come
 * pipelined. Written on a bare socket, because a mirror in a demo should not be slower than nginx.
 */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #responder: Responder;
  readonly #maxRequests: number;
  #input = '';
  #answered = 0;
  #isBusy = false;
  #isEnded = false;
  #isFinished = false;

  /** After `maxRequests` answers it is closed, without a word of it in the last answer. */
  constructor(socket: Socket, responder: Responder, maxRequests: number) {
    this.#socket = socket;
    this.#responder = responder;
    this.#maxRequests = maxRequests;
  }

  push(chunk: string): void {
    if (this.#isFinished) return;
    this.#input += chunk;
    this.#work();
  }

  /** The client sends no more; what it has asked is still answered. */
  end(): void {
    this.#isEnded = true;
    this.#work();
  }

  #work(): void {
    if (this.#isBusy || this.#isFinished) return;
    const date = `Date: ${new Date().toUTCString()}\r\n\r\n`;
    let out = '';
    let at = 0;
    for (let end = this.#input.indexOf('\r\n\r\n'); end >= 0; end = this.#input.indexOf('\r\n\r\n', at)) {
      const request = parseRequest(this.#input.slice(at, end));
      at = end + 4;
      const reply = this.#replyTo(request);
      out += reply.head + date;
      this.#answered++;
      const isLast = request === null || request.isLast || this.#answered >= this.#maxRequests;
      if (request?.method !== 'HEAD' && typeof reply.body === 'string') out += reply.body;
      else if (request?.method === 'GET') {
        this.#input = this.#input.slice(at);
        void this.#sendFile(out, reply.body as FileBody, isLast);
        return;
      }
      if (isLast) {
        this.#finish(out);
        return;
      }
    }
    this.#input = this.#input.slice(at);
    if (this.#isEnded || this.#input.length > MAX_HEAD_CHARACTERS) this.#finish(out);
    else if (out !== '' && !this.#socket.write(out, 'latin1')) this.#pauseUntilDrained();
  }

  #replyTo(request: Request | null): Reply {
    if (request === null) return BAD_REQUEST;
    return request.method === 'HEAD' || request.method === 'GET' ? this.#responder(request.target) : METHOD_NOT_ALLOWED;
  }

  #pauseUntilDrained(): void {
    this.#isBusy = true;
    this.#socket.pause();
    this.#socket.once('drain', () => this.#resume());
  }

  #resume(): void {
    this.#isBusy = false;
    this.#socket.resume();
    this.#work();
  }

  async #sendFile(out: string, { folder, path, sizeBytes }: FileBody, isLast: boolean): Promise<void> {
    this.#isBusy = true;
    this.#socket.pause();
    this.#socket.write(out, 'latin1');
    try {
      if (sizeBytes > 0) {
        const source = createReadStream(onDisk(folder, path), { end: sizeBytes - 1, highWaterMark: 256 * 1024 });
        await pipeline(source, this.#socket, { end: false });
        if (source.bytesRead < sizeBytes) this.#socket.destroy();
      }
    } catch {
      // Too late for a status: a body that breaks off is how HTTP/1 tells it.
      this.#socket.destroy();
      return;
    }
    this.#isBusy = false;
    if (isLast) this.#finish('');
    else this.#resume();
  }

  /** Sends what is left; unread requests are taken and dropped for a moment, else the answers would be lost in a reset. */
  #finish(out: string): void {
    this.#isFinished = true;
    this.#input = '';
    this.#socket.end(out, 'latin1');
    this.#socket.resume();
    const linger = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once('close', () => clearTimeout(linger));
  }
}
