import { directoryOf } from '../../core/directory.ts';
import { ObjectType } from '../../core/inventory.ts';
import { Outcome } from '../../core/observations.ts';
import { canonicalRequestPath } from '../../core/path.ts';
import { pathFromLatin1, pathToBytes } from '../../core/path-bytes.ts';
import { directoriesFor } from '../ftp/directories.ts';
import type { FtpListing } from '../ftp/judge-listing.ts';
import type { LineEntry } from '../ftp/list-line.ts';
import { FtpFailure, FtpFullHouse, isSendable } from '../ftp/replies.ts';
import { ENDLESS, FtpSession } from '../ftp/session.ts';
import { FULL_HOUSE_TRIES, noRoom } from '../full-house.ts';
import { ListedTree } from '../listed-tree.ts';
import type { HostBudget } from '../net/host-budget.ts';
import { pause, SECOND_TRY_AFTER_MS } from '../second-try.ts';
import type { CheckTask, Method, MethodReport } from './contract.ts';

/** One listing of each directory of the inventory, over one control connection. */
export const ftp: Method = { name: 'ftp', scope: 'directory', protocols: ['ftp'], check };

/** A directory that fails is read again once, on a new connection where that one was lost; the first one after a pause. */
const TRIES = 2;
/** Given up after so many directories in a row that could not be read. */
const MAX_STRIKES = 3;
/** An access point gets so many times the time-out for all of its listings: an hour for ten seconds. */
const BUDGET_TIMEOUTS = 360;
const OUT_OF_TIME = 'not done in time';
const INTERRUPTED = 'interrupted';
const UNSENDABLE = 'has a name that FTP cannot carry';
const UNPROVEN = 'not listed, but servers leave out such names or spell them otherwise';

/** missing: a whole listing above shows that it is not there. */
type Walked = Pick<FtpListing, 'reason' | 'showsHidden'> & { readonly ended: FtpListing['ended'] | 'missing' };

async function check(task: CheckTask): Promise<MethodReport> {
  const { inventory, objectIds, sink, signal } = task;
  const budget = task.hosts.of(task.accessPoint.url);
  const walk = new Walk(task, budget);
  // Servers count sessions; the connections for data belong to them.
  const reserved = await budget.reserve(1, signal);
  const givenUp = signal.aborted ? INTERRUPTED : await walk.run();
  budget.release(reserved);
  const cost = { requests: walk.requests, connections: walk.connections, bytes: walk.bytes };
  for (const id of objectIds) {
    const outcome = walk.tree.outcome(id);
    if (outcome !== Outcome.none) sink.record(id, outcome, walk.tree.sizeBytes(id, outcome));
    else if (!signal.aborted && !walk.isFull) {
      sink.fail(id, walk.reasonFor(inventory.paths.at(id) as string, id, givenUp));
    }
  }
  if (signal.aborted) return { ended: 'interrupted', reason: '', ...cost };
  if (walk.isFull) return { ended: 'busy', reason: givenUp, ...cost };
  if (givenUp === '') return { ended: 'whole', reason: '', ...cost };
  return { ended: walk.tree.entries === 0 ? 'unusable' : 'partial', reason: givenUp, ...cost };
}

/** The listings of one access point. */
class Walk {
  readonly tree: ListedTree;
  requests = 0;
  connections = 0;
  bytes = 0;
  /** Given up because the server has no room for us. */
  isFull = false;
  readonly #task: CheckTask;
  readonly #budget: HostBudget;
  /** Of the access point, relative to the login's directory (RFC 1738, 3.2.2). */
  readonly #root: string;
  readonly #walked = new Map<string, Walked>();
  #session: FtpSession | null = null;
  /** Of the session, what is counted already. */
  #counted = { listings: 0, bytes: 0 };
  /** Interrupted, or out of time: nothing more is begun. */
  #isStopped = false;

  constructor(task: CheckTask, budget: HostBudget) {
    this.#task = task;
    this.#budget = budget;
    this.#root = latin1(canonicalRequestPath(new URL(task.accessPoint.url).pathname) ?? '');
    this.tree = new ListedTree(task.inventory, task.objectIdOf);
    this.tree.isWhole = (id) => this.#isProof(id);
  }

  /** Lists all directories; answers why it was given up, '' where it was not. */
  async run(): Promise<string> {
    const { inventory, objectIdOf, objectIds, timeoutMs, signal } = this.#task;
    const startedAtMs = performance.now();
    const stop = () => {
      this.#isStopped = true;
      this.#session?.stop(signal.aborted ? INTERRUPTED : OUT_OF_TIME);
    };
    const timer = setTimeout(stop, timeoutMs * BUDGET_TIMEOUTS);
    signal.addEventListener('abort', stop, { once: true });
    let strikes = 0;
    try {
      for (const directory of directoriesFor(inventory, objectIdOf, objectIds)) {
        const walked = this.#known(directory) ?? (await this.#list(directory));
        this.#walked.set(directory, walked);
        if (signal.aborted) return INTERRUPTED;
        if (this.isFull) return walked.reason;
        if (performance.now() - startedAtMs > timeoutMs * BUDGET_TIMEOUTS) return OUT_OF_TIME;
        strikes = walked.ended === 'failed' ? strikes + 1 : 0;
        // Without its root there is nothing to compare.
        if (strikes === MAX_STRIKES || (directory === '' && this.tree.entries === 0)) return walked.reason;
      }
      return '';
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      this.#session?.stop('done');
    }
  }

  /** The reason of an object of which nothing was learnt. */
  reasonFor(path: string, id: number, givenUp: string): string {
    const { paths, leadsTo } = this.#task.inventory;
    const end = paths.at(leadsTo[id] as number) as string;
    return this.#reasonAbove(path) || this.#reasonAbove(end) || givenUp || UNPROVEN;
  }

  #reasonAbove(path: string): string {
    for (let at = path; at !== ''; ) {
      at = directoryOf(at);
      const reason = this.#walked.get(at)?.reason;
      if (reason !== undefined && reason !== '') return reason;
    }
    return '';
  }

  /** Whether a name that is not listed is not there. */
  #isProof(id: number): boolean {
    const { paths, targets } = this.#task.inventory;
    const path = paths.at(id) as string;
    if (path === '') return false;
    const above = this.#walked.get(directoryOf(path));
    if (above === undefined || above.ended === 'missing') return above !== undefined;
    // ProFTPD's LIST leaves out links to "." and "..".
    const isLinkToDots = /^[./]+$/.test(targets.at(id) as string);
    return above.ended === 'whole' && !isLinkToDots && isPlain(nameOf(path), above.showsHidden);
  }

  /** What needs no question. */
  #known(directory: string): Walked | null {
    const id = this.#task.objectIdOf(directory);
    const isMissing = id !== undefined && directory !== '' && this.tree.outcome(id) === Outcome.absent;
    if (isMissing) return { ended: 'missing', reason: '', showsHidden: true };
    return isSendable(this.#root + latin1(directory))
      ? null
      : { ended: 'refused', reason: UNSENDABLE, showsHidden: false };
  }

  async #list(directory: string): Promise<Walked> {
    const { secondTryAfterMs = SECOND_TRY_AFTER_MS, signal } = this.#task;
    const prefix = directory === '' ? '' : `${directory}/`;
    let walked: Walked = { ended: 'failed', reason: INTERRUPTED, showsHidden: false };
    for (let tries = 0; tries < TRIES; tries++) {
      if (tries > 0 && this.tree.entries === 0) await pause(secondTryAfterMs, signal);
      if (!(await this.#isAdmitted())) break;
      walked = await this.#read(directory, ({ type, name, sizeBytes, target }) => {
        const path = prefix + pathFromLatin1(name);
        this.tree.add({ type, path, sizeBytes, target: pathFromLatin1(target ?? '') });
      });
      if (walked.ended !== 'failed' || walked.reason === ENDLESS || this.isFull) break;
    }
    // However it is listed above (a link perhaps), it is a directory to those who ask for it.
    if (walked.ended === 'whole' || walked.ended === 'partial') {
      this.tree.add({ type: ObjectType.directory, path: directory, sizeBytes: -1, target: '' });
    }
    return walked;
  }

  /** Waits until the host may be asked; false where nothing more is begun. */
  async #isAdmitted(): Promise<boolean> {
    return !this.#isStopped && (await this.#budget.admission(this.#task.signal)) && !this.#isStopped;
  }

  /** One try. */
  async #read(directory: string, onEntry: (entry: LineEntry) => void): Promise<FtpListing> {
    try {
      if (this.#session?.isOpen !== true) await this.#enter();
      return await (this.#session as FtpSession).list(this.#root + latin1(directory), onEntry);
    } catch (error) {
      if (!(error instanceof FtpFailure)) throw error;
      return { ended: 'failed', reason: error.message, showsHidden: false };
    } finally {
      this.#count();
    }
  }

  /** Opens a session; a full house is knocked at again. Throws FtpFailure. */
  async #enter(): Promise<void> {
    const { secondTryAfterMs = SECOND_TRY_AFTER_MS, signal } = this.#task;
    for (let tries = 1; ; tries++) {
      this.#session = this.#newSession();
      this.connections++;
      try {
        await this.#session.open();
        return;
      } catch (error) {
        if (!(error instanceof FtpFullHouse)) throw error;
        this.isFull = tries === FULL_HOUSE_TRIES;
        if (this.isFull) throw new FtpFailure(noRoom(error.message));
        this.#count();
        if (!(await pause(secondTryAfterMs * 2 ** (tries - 1), signal)) || this.#isStopped) throw error;
      }
    }
  }

  /** What the session has cost since it was counted last. */
  #count(): void {
    const { listings = 0, bytes = 0 } = this.#session ?? {};
    this.requests += listings - this.#counted.listings;
    this.bytes += bytes - this.#counted.bytes;
    this.#budget.transferred(bytes - this.#counted.bytes);
    this.#counted = { listings, bytes };
  }

  #newSession(): FtpSession {
    const { accessPoint, userAgent, timeoutMs } = this.#task;
    const { hostname, port } = new URL(accessPoint.url);
    this.#counted = { listings: 0, bytes: 0 };
    return new FtpSession({
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? 21 : Number(port),
      password: userAgent,
      allowed: this.#budget.allowed,
      timeoutMs,
    });
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
