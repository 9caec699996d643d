import { canonicalRequestPath } from '../../core/path.ts';
import { pathFromLatin1, pathToBytes } from '../../core/path-bytes.ts';
import { checkByDirectory, type DirectoryLister, type DirectoryListing } from '../directory-walk.ts';
import { FtpFailure, FtpFullHouse, isSendable } from '../ftp/replies.ts';
import { ENDLESS, FtpSession } from '../ftp/session.ts';
import { FULL_HOUSE_TRIES, noRoom } from '../full-house.ts';
import type { ListedEntry } from '../listed-tree.ts';
import type { HostBudget } from '../net/host-budget.ts';
import { pause, SECOND_TRY_AFTER_MS } from '../second-try.ts';
import type { CheckTask, Method, MethodReport } from './contract.ts';

/** One listing of each directory of the inventory, over one control connection. */
export const ftp: Method = { name: 'ftp', scope: 'directory', protocols: ['ftp'], check };

const UNSENDABLE = 'has a name that FTP cannot carry';

async function check(task: CheckTask): Promise<MethodReport> {
  const budget = task.hosts.of(task.accessPoint.url);
  return checkByDirectory(task, new FtpLister(task, budget), budget);
}

class FtpLister implements DirectoryLister {
  readonly atOnce = 1;
  readonly cost = { requests: 0, connections: 0, bytes: 0 };
  readonly #task: CheckTask;
  readonly #budget: HostBudget;
  /** Of the access point, relative to the login's directory (RFC 1738, 3.2.2). */
  readonly #root: string;
  readonly #stopped = new AbortController();
  #session: FtpSession | null = null;
  /** Of the session, what is counted already. */
  #counted = { listings: 0, bytes: 0 };
  /** Given up because the server has no room for us. */
  #isFull = false;

  constructor(task: CheckTask, budget: HostBudget) {
    this.#task = task;
    this.#budget = budget;
    this.#root = latin1(canonicalRequestPath(new URL(task.accessPoint.url).pathname) ?? '');
  }

  refusal(directory: string): string {
    return isSendable(this.#root + latin1(directory)) ? '' : UNSENDABLE;
  }

  doubt(): string {
    return '';
  }

  stop(reason: string): void {
    this.#stopped.abort();
    this.#session?.stop(reason);
  }

  async read(directory: string, onEntry: (entry: ListedEntry) => void): Promise<DirectoryListing> {
    const prefix = directory === '' ? '' : `${directory}/`;
    try {
      const session = this.#session?.isOpen === true ? this.#session : await this.#enter();
      const { ended, reason, showsHidden } = await session.list(
        this.#root + latin1(directory),
        ({ type, name, sizeBytes, target }) =>
          onEntry({ type, path: prefix + pathFromLatin1(name), sizeBytes, target: pathFromLatin1(target ?? '') }),
      );
      return { ended, reason, isFinal: reason === ENDLESS, wouldShow: (id) => this.#wouldShow(id, showsHidden) };
    } catch (error) {
      if (!(error instanceof FtpFailure)) throw error;
      const { message: reason } = error;
      return { ended: this.#isFull ? 'busy' : 'failed', reason, isFinal: reason === ENDLESS, wouldShow: () => false };
    } finally {
      this.#count();
    }
  }

  /** Opens a session; a full house is knocked at again. Throws FtpFailure. */
  async #enter(): Promise<FtpSession> {
    const { secondTryAfterMs = SECOND_TRY_AFTER_MS } = this.#task;
    for (let tries = 1; ; tries++) {
      const session = this.#newSession();
      try {
        await session.open();
        return session;
      } catch (error) {
        if (!(error instanceof FtpFullHouse)) throw error;
        this.#isFull = tries === FULL_HOUSE_TRIES;
        if (this.#isFull) throw new FtpFailure(noRoom(error.message));
        this.#count();
        if (!(await pause(secondTryAfterMs * 2 ** (tries - 1), this.#stopped.signal))) throw error;
      }
    }
  }

  /** What the session has cost since it was counted last. */
  #count(): void {
    const { listings = 0, bytes = 0 } = this.#session ?? {};
    this.cost.requests += listings - this.#counted.listings;
    this.cost.bytes += bytes - this.#counted.bytes;
    this.#budget.transferred(bytes - this.#counted.bytes);
    this.#counted = { listings, bytes };
  }

  #wouldShow(id: number, showsHidden: boolean): boolean {
    const { paths, targets } = this.#task.inventory;
    // ProFTPD's LIST leaves out links to "." and "..".
    const isLinkToDots = /^[./]+$/.test(targets.at(id) as string);
    return !isLinkToDots && isPlain(nameOf(paths.at(id) as string), showsHidden);
  }

  #newSession(): FtpSession {
    const { accessPoint, userAgent, timeoutMs } = this.#task;
    const { hostname, port } = new URL(accessPoint.url);
    this.cost.connections++;
    this.#counted = { listings: 0, bytes: 0 };
    this.#session = new FtpSession({
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? 21 : Number(port),
      password: userAgent,
      allowed: this.#budget.allowed,
      timeoutMs,
    });
    return this.#session;
  }
}

function latin1(path: string): string {
  return pathToBytes(path).toString('latin1');
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * Whether a listing that shows all there is would show this name, as it is. pure-ftpd leaves out names with control
 * characters; others spell bytes beyond ASCII in a code page of their own, or lose blanks at the ends.
 */
function isPlain(path: string, showsHidden: boolean): boolean {
  const name = latin1(path);
  return /^[ -~]+$/.test(name) && !/^ | $/.test(name) && (showsHidden || !name.startsWith('.'));
}
