import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Client, FTPError, type FTPResponse } from 'basic-ftp';
import { type Allowed, forbidden } from '../net/reach.ts';
import { connectionReason } from '../net/reasons.ts';
import { type FtpListing, judged, type Transferred } from './judge-listing.ts';
import type { LineEntry } from './list-line.ts';
import { FtpListParser } from './list-parser.ts';
import {
  extendedPort,
  FtpFailure,
  FtpFullHouse,
  isFullHouse,
  NO_MORE_SERVICE,
  passivePort,
  rootOf,
  said,
  saying,
} from './replies.ts';

export interface FtpSessionOptions {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Where its name may lead. */
  readonly allowed: Allowed;
  /** The password of the anonymous login: servers log it, so it tells them who we are. */
  readonly password: string;
  /** Longest silence. */
  readonly timeoutMs: number;
}

type ListCommand = 'MLSD' | 'LIST -a' | 'LIST';

/** The reason of a listing that is longer than any. */
export const ENDLESS = 'sends a listing without end';
const MAX_LISTING_BYTES = 256 * 1024 * 1024;
const OTHER_COMMAND: Readonly<Record<ListCommand, ListCommand>> = { MLSD: 'LIST -a', 'LIST -a': 'LIST', LIST: 'LIST' };
// RFC 959, 4.2: a command, or its argument, that the server does not know. Some take "-a" for a name: 450, 550.
const UNKNOWN_COMMAND = [500, 501, 502, 504];
const NO_SUCH_NAME = [450, 550];

/**
 * One control connection of an anonymous user. Paths are strings with one character for each byte. Data connections
 * go to the control connection's host, whatever the server says.
 */
export class FtpSession {
  /** Listings asked for. */
  listings = 0;
  #dataBytes = 0;
  readonly #options: FtpSessionOptions;
  readonly #client: Client;
  #data: Socket | null = null;
  #root = '/';
  #command: ListCommand = 'LIST -a';
  /** Whether `#command` has shown something already. */
  #isProven = false;
  #passive: 'EPSV' | 'PASV' = 'EPSV';
  #stopped: FtpFailure | null = null;
  #stage: 'greeting' | 'login' | 'in' = 'greeting';

  constructor(options: FtpSessionOptions) {
    this.#options = options;
    this.#client = new Client(options.timeoutMs);
    this.#client.ftp.encoding = 'latin1';
  }

  /** Whether it can list: it is connected, and nothing has closed it. */
  get isOpen(): boolean {
    return !this.#client.closed;
  }

  /** Sent and received so far, over both connections. */
  get bytes(): number {
    const { bytesRead, bytesWritten } = this.#client.ftp.socket;
    return bytesRead + bytesWritten + this.#dataBytes;
  }

  /** Ends it at once: what is under way fails for this reason. */
  stop(reason: string): void {
    this.#stopped ??= new FtpFailure(reason);
    this.#client.ftp.closeWithError(this.#stopped);
    this.#data?.destroy(this.#stopped);
  }

  /** Connects and logs in. Throws FtpFullHouse, FtpFailure. */
  async open(): Promise<void> {
    const { host, port, password, allowed } = this.#options;
    const client = this.#client;
    try {
      await this.#bounded(async () => {
        const connected = client.connect(host, port);
        const { socket } = client.ftp;
        socket.once('connect', () => {
          const error = forbidden(host, socket.remoteAddress, allowed);
          if (error === null) return;
          // Not with a QUIT: there it may be a command to somebody else.
          this.#stopped ??= new FtpFailure(error.message);
          socket.destroy(error);
        });
        await connected;
        this.#stage = 'login';
        await client.login('anonymous', password);
        this.#stage = 'in';
        const features = await client.features();
        if (features.has('MLST') || features.has('MLSD')) this.#command = 'MLSD';
        // Some servers spell names in a code page of their own until they are told not to (RFC 2640).
        if (features.has('UTF8')) await client.sendIgnoringError('OPTS UTF8 ON');
        // Listings of type ASCII may have their names' line feeds rewritten.
        await client.send('TYPE I');
        this.#root = rootOf((await client.sendIgnoringError('PWD')).message);
      });
    } catch (error) {
      const reason = this.#reasonOf(error);
      this.stop(reason);
      const isFull = error instanceof FTPError && isFullHouse(error.code, error.message);
      throw isFull ? new FtpFullHouse(reason) : new FtpFailure(reason);
    }
  }

  /** Lists a directory, given relative to the login's own. Never throws: what went wrong is in the answer. */
  async list(directory: string, onEntry: (entry: LineEntry) => void): Promise<FtpListing> {
    try {
      await this.#bounded(() => this.#client.send(`CWD ${this.#root}${directory}`));
      return judged(await this.#read(onEntry));
    } catch (error) {
      const isRefused = error instanceof FTPError && error.code >= 500;
      return { ended: isRefused ? 'refused' : 'failed', reason: this.#reasonOf(error), showsHidden: false };
    } finally {
      this.#data?.destroy();
      this.#data = null;
    }
  }

  /** Lists the current directory with the first command that suits the server; which one is kept. */
  async #read(onEntry: (entry: LineEntry) => void): Promise<Transferred> {
    for (;;) {
      const command = this.#command;
      const next = OTHER_COMMAND[command];
      try {
        const listed = await this.#transfer(command, onEntry);
        const { entries, showsSelf, linksWithoutTarget } = listed.parser;
        const isNothing = entries === 0 && !showsSelf;
        if (!isNothing) this.#isProven = true;
        if (command === next && isNothing && !this.#isProven) this.#command = 'LIST -a';
        const isUnfit = command === 'MLSD' ? linksWithoutTarget > 0 : isNothing && !this.#isProven;
        if (!isUnfit || command === next) return listed;
      } catch (error) {
        const code = error instanceof FTPError ? error.code : 0;
        const isUnknown = UNKNOWN_COMMAND.includes(code) || (command === 'LIST -a' && NO_SUCH_NAME.includes(code));
        if (!isUnknown || this.#isProven || command === next) throw error;
      }
      this.#command = next;
      this.#isProven = false;
    }
  }

  async #transfer(command: ListCommand, onEntry: (entry: LineEntry) => void): Promise<Transferred> {
    const { ftp } = this.#client;
    const data = await this.#connectData();
    const parser = new FtpListParser(command === 'MLSD' ? 'MLSD' : 'LIST', onEntry);
    this.listings++;
    let hasBegun = false;
    const replied: Promise<FTPResponse> = ftp.handle(command, (reply, task) => {
      if (reply instanceof Error) task.reject(reply);
      else if (reply.code >= 200) task.resolve(reply);
      else hasBegun = true;
    });
    // Until the listing has ended it is the data connection that shows whether the server is silent.
    ftp.socket.setTimeout(0);
    const drained = this.#drain(data, parser);
    try {
      const [reply] = await Promise.all([replied, drained.then(() => this.#bounded(() => replied))]);
      return { parser, reply };
    } catch (error) {
      // What it showed before it failed may come later than the word of that.
      if (hasBegun && error instanceof FTPError) await drained.catch(() => {});
      throw error;
    }
  }

  /** Resolves when the other side has sent all. Anything else ends the session: the answer to the command is still due. */
  #drain(data: Socket, parser: FtpListParser): Promise<void> {
    const { timeoutMs } = this.#options;
    let receivedBytes = 0;
    data.setTimeout(timeoutMs, () => this.stop(silence(timeoutMs)));
    data.on('data', (chunk: Buffer) => {
      receivedBytes += chunk.length;
      this.#dataBytes += chunk.length;
      if (receivedBytes > MAX_LISTING_BYTES) this.stop(ENDLESS);
      else parser.push(chunk);
    });
    return new Promise((resolve, reject) => {
      data.once('end', () => {
        parser.end();
        resolve();
      });
      data.once('error', (error) => {
        this.stop(connectionReason(error, timeoutMs));
        reject(error);
      });
      data.once('close', () => reject(new FtpFailure('the listing was given up')));
    });
  }

  async #connectData(): Promise<Socket> {
    const { timeoutMs } = this.#options;
    const port = await this.#bounded(() => this.#dataPort());
    const { remoteAddress } = this.#client.ftp.socket;
    if (remoteAddress === undefined || this.#stopped !== null) throw this.#stopped ?? new FtpFailure(CLOSED.in);
    this.#data?.destroy();
    const data = connect({ host: remoteAddress, port });
    this.#data = data;
    data.on('error', () => {});
    const late = new FtpFailure(`no data connection within ${timeoutMs / 1000} s`);
    data.setTimeout(timeoutMs, () => data.destroy(late));
    try {
      await once(data, 'connect');
    } catch (error) {
      if (error instanceof FtpFailure) throw error;
      throw new FtpFailure(`no data connection: ${connectionReason(error, timeoutMs)}`);
    }
    data.removeAllListeners('timeout');
    return data;
  }

  async #dataPort(): Promise<number> {
    if (this.#passive === 'EPSV') {
      try {
        const { message } = await this.#client.send('EPSV');
        return extendedPort(message);
      } catch (error) {
        if (!(error instanceof FTPError) || error.code === NO_MORE_SERVICE) throw error;
        this.#passive = 'PASV';
      }
    }
    const { message } = await this.#client.send('PASV');
    return passivePort(message);
  }

  /** For commands, which the time-out of silence does not keep from being answered a letter at a time. */
  async #bounded<T>(work: () => Promise<T>): Promise<T> {
    const { timeoutMs } = this.#options;
    const timer = setTimeout(() => this.stop(silence(timeoutMs)), timeoutMs * 2);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
    }
  }

  #reasonOf(error: unknown): string {
    if (this.#stopped !== null) return this.#stopped.message;
    if (error instanceof FtpFailure) return error.message;
    if (error instanceof FTPError) {
      if (error.code === NO_MORE_SERVICE) this.stop(said(error.message));
      return this.#stage === 'login' ? `refuses the anonymous login: ${saying(error.message)}` : said(error.message);
    }
    const { code, message } = error as NodeJS.ErrnoException;
    const { timeoutMs } = this.#options;
    if (/^Timeout/.test(message)) return silence(timeoutMs);
    if (/exceeded maximum/.test(message)) return 'sends an answer without end';
    return /^E[A-Z]/.test(String(code)) ? connectionReason(error, timeoutMs) : CLOSED[this.#stage];
  }
}

const CLOSED = {
  greeting: 'closes the connection without a greeting, as servers do that refuse our address',
  login: 'closes the connection at the login',
  in: 'closes the connection in the middle',
};

function silence(timeoutMs: number): string {
  return `no answer within ${timeoutMs / 1000} s`;
}
