import { directoryOf } from '../../core/directory.ts';
import { canonicalRequestPath } from '../../core/path.ts';
import type { PageClient } from '../net/page-client.ts';
import { BROKEN_PAGE, type PageAnswer } from '../net/page-handler.ts';
import { inWords } from '../net/reasons.ts';
import { isRefusal } from '../net/refusals.ts';
import { pause } from '../second-try.ts';
import type { Directory } from './child-link.ts';
import { type IndexEntry, IndexPage } from './index-page.ts';

export interface WalkOptions {
  readonly client: PageClient;
  /** The access point's root. */
  readonly root: Pick<Directory, 'origin' | 'path'>;
  /**
   * The directories to ask for, canonical, relative to the root, without a trailing slash; '' = the root. With how many
   * names are wanted there, by which the length of a page is guessed.
   */
  readonly directories: ReadonlyMap<string, number>;
  /** Told of each page that is begun, a second try too; answers what its entries are given to. */
  readonly onPage: (directory: string) => (entry: IndexEntry) => void;
  readonly budgetMs: number;
  readonly signal: AbortSignal;
}

export interface WalkReport {
  readonly ended: 'done' | 'gave up' | 'interrupted';
  /** Why it gave up; else ''. */
  readonly reason: string;
  /** Index pages seen. */
  readonly pages: number;
  /**
   * By directory: why a name that it did not show may be there all the same; '' = such a name is not there. Directories
   * that were not reached are missing.
   */
  readonly doubts: ReadonlyMap<string, string>;
}

/** So many pages that are none, and it is concluded that the server shows no indexes. */
const PAGES_TRIED = 5;
const MAX_TRIES = 4;
const FIRST_TRIES = 2;
/** So many pages without end, one after the other: the rest would cost as much. */
const ENDLESS_PAGES_TRIED = 3;
const MAX_FAULTS_IN_A_ROW = 3;
const RETRY_AFTER_MS = 250;

/**
 * Asks for the index page of each directory. Links are not walked: a page is asked for because the directory is
 * wanted, as soon as its parent's page shows it, or when that page can't tell. What a whole parent doesn't show costs
 * no request. Never throws.
 */
export function walkIndexes(options: WalkOptions): Promise<WalkReport> {
  return new Promise((resolve) => new IndexWalk(options, resolve).start());
}

class IndexWalk {
  readonly #options: WalkOptions;
  readonly #resolve: (report: WalkReport) => void;
  /** The wanted directories by the nearest wanted one above them. */
  readonly #children = new Map<string, string[]>();
  readonly #doubts = new Map<string, string>();
  readonly #queued = new Set<string>();
  readonly #queue: string[] = [];
  #underWay = 0;
  #pages = 0;
  #others = 0;
  #faultsInARow = 0;
  #endless = 0;
  #ended = false;
  #budget: NodeJS.Timeout | undefined;
  #filling: NodeJS.Immediate | undefined;

  constructor(options: WalkOptions, resolve: (report: WalkReport) => void) {
    this.#options = options;
    this.#resolve = resolve;
  }

  start(): void {
    const { directories, signal, budgetMs } = this.#options;
    for (const directory of directories.keys()) {
      const parent = directoryOf(directory);
      const isRoot = directory === '' || !directories.has(parent);
      if (isRoot) this.#enqueue(directory);
      else this.#children.get(parent)?.push(directory) ?? this.#children.set(parent, [directory]);
    }
    signal.addEventListener('abort', this.#interrupt, { once: true });
    const tooSlow = `too slow, not listed within ${inWords(budgetMs)}`;
    this.#budget = setTimeout(() => this.#end('gave up', tooSlow), budgetMs);
    if (signal.aborted) this.#interrupt();
    else this.#fill();
  }

  #enqueue(directory: string): void {
    if (this.#queued.has(directory)) return;
    this.#queued.add(directory);
    this.#queue.push(directory);
  }

  #fill(): void {
    // One by one until the first index page: a server without any is not bothered more than it must be.
    const width = this.#pages === 0 || this.#endless > 0 ? 1 : this.#options.client.width;
    while (!this.#ended && this.#underWay < width) {
      const directory = this.#queue.shift();
      if (directory === undefined) break;
      this.#underWay++;
      void this.#ask(directory).then((doubt) => this.#settle(directory, doubt));
    }
    if (this.#underWay === 0) this.#end('done', '');
  }

  /** A long page shows its first directories long before its end. Later: undici is in the middle of an answer. */
  #fillSoon(): void {
    if (this.#pages === 0) return;
    this.#filling ??= setImmediate(() => {
      this.#filling = undefined;
      if (!this.#ended) this.#fill();
    });
  }

  #settle(directory: string, doubt: string): void {
    this.#underWay--;
    if (this.#ended) return;
    this.#doubts.set(directory, doubt);
    for (const child of this.#children.get(directory) ?? []) {
      if (this.#queued.has(child)) continue;
      if (doubt === '') this.#isMissing(child);
      else this.#enqueue(child);
    }
    this.#fill();
  }

  /** A directory that its parent doesn't show holds nothing. */
  #isMissing(directory: string): void {
    this.#queued.add(directory);
    this.#doubts.set(directory, '');
    for (const child of this.#children.get(directory) ?? []) this.#isMissing(child);
  }

  /** Why what the page doesn't show may be there; '' where it may not. */
  async #ask(directory: string): Promise<string> {
    const { root } = this.#options;
    let path = directory === '' ? root.path : `${root.path}${directory}/`;
    let isRedirected = false;
    for (let tries = 1; ; tries++) {
      const { answer, page } = await this.#read(directory, path);
      if (this.#ended) return 'interrupted';
      const elsewhere = isRedirected ? null : sameDirectory(answer, root.origin, path);
      if (elsewhere !== null) {
        path = elsewhere;
        isRedirected = true;
        continue;
      }
      if (!isPassing(answer.status)) return this.#judge(answer, page);
      // Before the first index page there may be nobody.
      if (tries >= (this.#pages > 0 ? MAX_TRIES : answer.isSilent ? 1 : FIRST_TRIES))
        return answer.status === 0 ? this.#fault(answer.reason) : this.#judge(answer, page);
      await pause(RETRY_AFTER_MS * (tries - 1), this.#options.signal);
    }
  }

  async #read(directory: string, path: string): Promise<{ answer: PageAnswer; page: IndexPage }> {
    const { client, root, directories } = this.#options;
    const prefix = directory === '' ? '' : `${directory}/`;
    const name = directory.slice(directory.lastIndexOf('/') + 1);
    const onEntry = this.#options.onPage(directory);
    const page = new IndexPage({ origin: root.origin, path: `${root.path}${prefix}`, name }, (entry) => {
      if (this.#ended) return;
      if (entry.isDirectory && directories.has(prefix + entry.name)) {
        this.#enqueue(prefix + entry.name);
        this.#fillSoon();
      }
      onEntry(entry);
    });
    const answer = await client.get(path, (chunk) => page.push(chunk), directories.get(directory));
    if (answer.reason === '') page.end();
    return { answer, page };
  }

  #judge(answer: PageAnswer, page: IndexPage): string {
    this.#faultsInARow = 0;
    if (answer.isEndless && ++this.#endless >= ENDLESS_PAGES_TRIED) this.#end('gave up', answer.reason);
    const reason = (answer.reason !== BROKEN_PAGE && answer.reason) || page.doubt;
    if (page.isIndex) this.#pages++;
    else if (++this.#others >= PAGES_TRIED && this.#pages === 0) this.#end('gave up', reason);
    return reason;
  }

  #fault(reason: string): string {
    this.#others++;
    if (++this.#faultsInARow >= MAX_FAULTS_IN_A_ROW || this.#pages === 0) this.#end('gave up', reason);
    return reason;
  }

  readonly #interrupt = (): void => this.#end('interrupted', '');

  #end(ended: WalkReport['ended'], reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#budget);
    clearImmediate(this.#filling);
    this.#options.signal.removeEventListener('abort', this.#interrupt);
    this.#resolve({ ended, reason, pages: this.#pages, doubts: this.#doubts });
  }
}

/** No answer, or not now. */
function isPassing(status: number): boolean {
  return status === 0 || isRefusal(status);
}

/** Where a redirect leads to the same directory in another spelling: that spelling; else null. */
function sameDirectory({ status, location }: PageAnswer, origin: string, path: string): string | null {
  if (status < 300 || status >= 400) return null;
  const there = location.startsWith(`${origin}/`) ? location.slice(origin.length) : location;
  if (!/^\/[!-~]*$/.test(there) || there.startsWith('//') || /[?#]/.test(there) || there === path) return null;
  return canonicalRequestPath(there) === canonicalRequestPath(path) ? there : null;
}
