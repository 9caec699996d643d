import { canonicalRequestPath } from '../../core/path.ts';
import { pathFromLatin1, pathToBytes } from '../../core/path-bytes.ts';
import { checkByDirectory, type DirectoryLister, type DirectoryListing } from '../directory-walk.ts';
import { FtpFailure, isSendable } from '../ftp/replies.ts';
import { ENDLESS, FtpSession } from '../ftp/session.ts';
import type { ListedEntry } from '../listed-tree.ts';
import type { HostBudget } from '../net/host-budget.ts';
import type { CheckTask, Method, MethodReport } from './contract.ts';

/** One listing of each directory of the inventory, over one control connection. */
export const ftp: Method = { name: 'ftp', scope: 'directory', protocols: ['ftp'], check };

/** One for control and one for data. */
const CONNECTIONS = 2;
const TOO_FEW_CONNECTIONS =
  'not listed: FTP takes two connections at once, one for data, and "connections" of [check] allows one to a host';
/** RFC 959, 4.2: the service is not available, or the house is full. */
const BUSY = 421;
const UNSENDABLE = 'has a name that FTP cannot carry';

async function check(task: CheckTask): Promise<MethodReport> {
  const budget = task.hosts.of(task.accessPoint.url);
  if (budget.connections < CONNECTIONS) {
    for (const id of task.objectIds) task.sink.fail(id, TOO_FEW_CONNECTIONS);
    // Not unusable: that would call the server down for what our own configuration forbids.
    return { ended: 'partial', reason: TOO_FEW_CONNECTIONS, requests: 0, connections: 0 };
  }
  return checkByDirectory(task, new FtpLister(task, budget), budget);
}

class FtpLister implements DirectoryLister {
  readonly connections = CONNECTIONS;
  readonly atOnce = 1;
  readonly cost = { requests: 0, connections: 0, bytes: 0 };
  readonly #task: CheckTask;
  readonly #budget: HostBudget;
  /** Of the access point, relative to the login's directory (RFC 1738, 3.2.2). */
  readonly #root: string;
  #session: FtpSession | null = null;

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
    this.#session?.stop(reason);
  }

  /** Where the server is busy, nobody asks it for a while. */
  async read(directory: string, onEntry: (entry: ListedEntry) => void): Promise<DirectoryListing> {
    const session = this.#openSession();
    const [listings, bytes] = [session.listings, session.bytes];
    const prefix = directory === '' ? '' : `${directory}/`;
    try {
      if (!session.isOpen) {
        this.cost.connections++;
        await session.open();
      }
      const { ended, reason, showsHidden } = await session.list(
        this.#root + latin1(directory),
        ({ type, name, sizeBytes, target }) =>
          onEntry({ type, path: prefix + pathFromLatin1(name), sizeBytes, target: pathFromLatin1(target ?? '') }),
      );
      return { ended, reason, isFinal: reason === ENDLESS, wouldShow: (id) => this.#wouldShow(id, showsHidden) };
    } catch (error) {
      if (!(error instanceof FtpFailure)) throw error;
      return { ended: 'failed', reason: error.message, isFinal: error.message === ENDLESS, wouldShow: () => false };
    } finally {
      this.cost.requests += session.listings - listings;
      this.cost.bytes += session.bytes - bytes;
      this.#budget.transferred(session.bytes - bytes);
      if (session.isBusy) this.#budget.refused(BUSY, '', this.#task.timeoutMs);
      else this.#budget.served();
    }
  }

  #wouldShow(id: number, showsHidden: boolean): boolean {
    const { paths, targets } = this.#task.inventory;
    // ProFTPD's LIST leaves out links to "." and "..".
    const isLinkToDots = /^[./]+$/.test(targets.at(id) as string);
    return !isLinkToDots && isPlain(nameOf(paths.at(id) as string), showsHidden);
  }

  /** The session, or a new one where it was lost. */
  #openSession(): FtpSession {
    if (this.#session?.isOpen === true) return this.#session;
    const { accessPoint, userAgent, timeoutMs } = this.#task;
    const { hostname, port } = new URL(accessPoint.url);
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
