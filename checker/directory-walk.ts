import { setMaxListeners } from 'node:events';
import { directoryOf } from '../core/directory.ts';
import { type Inventory, ObjectType } from '../core/inventory.ts';
import { Outcome } from '../core/observations.ts';
import { directoriesFor } from './directories-for.ts';
import { type ListedEntry, ListedTree } from './listed-tree.ts';
import type { CheckTask, MethodReport } from './methods/contract.ts';
import type { HostBudget } from './net/host-budget.ts';
import { pause, SECOND_TRY_AFTER_MS } from './second-try.ts';

/** How the listing of one directory went. */
export interface DirectoryListing {
  /**
   * whole: it shows all there is; partial: it shows something; missing: there is no such directory, by the listing of the
   * one above, or where there is a reason by the server's word for it; refused: it won't, be it because there is nothing or
   * because we may not see it; failed: something broke, another try may do better; busy: the server has no room for us,
   * nothing more is to be asked; unasked: nor is it for what we lack ourselves.
   */
  readonly ended: 'whole' | 'partial' | 'missing' | 'refused' | 'failed' | 'busy' | 'unasked';
  /** A sentence; '' when whole, or missing by a listing. */
  readonly reason: string;
  /** It failed in a way that a second try would only repeat. */
  readonly isFinal?: boolean;
  /** Whether a whole one would show that object of the directory, by its id. */
  readonly wouldShow: (id: number) => boolean;
}

/** How one protocol lists directories. Paths are canonical, relative to the access point's root. */
export interface DirectoryLister {
  /** Directories read at the same time. */
  readonly atOnce: number;
  /** What it has cost so far. */
  readonly cost: { readonly requests: number; readonly connections: number; readonly bytes: number };
  /** Why a directory can't be asked for; '' = it can. */
  refusal(directory: string): string;
  /** One try. Never throws for the server's sake. */
  read(directory: string, onEntry: (entry: ListedEntry) => void): Promise<DirectoryListing>;
  /** Why an object is neither shown nor missing; '' = for no reason of its own. */
  doubt(path: string): string;
  /** Ends what is under way, for that reason, and whatever it holds. */
  stop(reason: string): void;
}

/** Given up after so many directories in a row that could not be read. */
const MAX_STRIKES = 3;
/** An access point gets so many times the time-out for all of its listings: an hour for ten seconds. */
const BUDGET_TIMEOUTS = 360;
const OUT_OF_TIME = 'not done in time';
const INTERRUPTED = 'interrupted';
const UNPROVEN = 'not listed, but servers leave out such names or spell them otherwise';
const CONTRADICTION = 'lists a directory, but says that it is not there';

const nothing = (ended: DirectoryListing['ended'], reason: string): DirectoryListing => ({
  ended,
  reason,
  wouldShow: () => false,
});

/** Checks objects by the listings of the directories that they lie in, each read once (checker/methods/contract.ts). */
export async function checkByDirectory(
  task: CheckTask,
  lister: DirectoryLister,
  budget: HostBudget,
): Promise<MethodReport> {
  const { objectIds, sink, signal } = task;
  const walk = new DirectoryWalk(task, lister, budget);
  // Servers count sessions; the connections for data of FTP belong to them.
  const reserved = await budget.reserve(1, signal);
  let givenUp = INTERRUPTED;
  try {
    if (!signal.aborted) givenUp = await walk.run();
  } finally {
    budget.release(reserved);
  }
  const { tree, leftOpen } = walk;
  for (const id of objectIds) {
    const outcome = tree.outcome(id);
    if (outcome !== Outcome.none) sink.record(id, outcome, tree.sizeBytes(id, outcome));
    else if (!signal.aborted && leftOpen === null) sink.fail(id, walk.reasonFor(id, givenUp));
  }
  const cost = { ...lister.cost };
  if (signal.aborted) return { ended: 'interrupted', reason: '', ...cost };
  if (leftOpen !== null) return { ended: leftOpen, reason: givenUp, ...cost };
  if (givenUp === '') return { ended: 'whole', reason: '', ...cost };
  return { ended: tree.entries === 0 ? 'unusable' : 'partial', reason: givenUp, ...cost };
}

/** The listings of one access point. */
class DirectoryWalk {
  readonly tree: ListedTree;
  /** Given up because the server has no room for us, or we lack what it takes to ask: the rest is left as it was. */
  leftOpen: 'busy' | 'unasked' | null = null;
  readonly #task: CheckTask;
  readonly #inventory: Inventory;
  readonly #lister: DirectoryLister;
  readonly #budget: HostBudget;
  readonly #listings = new Map<string, DirectoryListing>();
  /** Raised: nothing more is begun. */
  readonly #stopped = new AbortController();
  #strikes = 0;
  #givenUp = '';
  /** The server has said that a directory is missing which it lists: its word for it counts for nothing. */
  #isContradicted = false;

  constructor(task: CheckTask, lister: DirectoryLister, budget: HostBudget) {
    this.#task = task;
    this.#inventory = task.inventory;
    this.#lister = lister;
    this.#budget = budget;
    this.tree = new ListedTree(task.inventory, task.objectIdOf);
    this.tree.isWhole = (id) => this.#isProof(id);
    setMaxListeners(0, this.#stopped.signal);
  }

  /** Lists all directories; answers why it was given up, '' where it was not. */
  async run(): Promise<string> {
    const { inventory, objectIdOf, objectIds, timeoutMs, signal } = this.#task;
    const interrupt = () => this.#giveUp(INTERRUPTED);
    const timer = setTimeout(() => this.#giveUp(OUT_OF_TIME), timeoutMs * BUDGET_TIMEOUTS);
    signal.addEventListener('abort', interrupt, { once: true });
    try {
      // One level after the other: what its parent shows to be missing is not asked for.
      for (const level of levelsOf(directoriesFor(inventory, objectIdOf, objectIds))) {
        for (let i = 0; i < level.length && this.#givenUp === ''; i += this.#lister.atOnce) {
          await this.#visit(level.slice(i, i + this.#lister.atOnce));
        }
      }
      return this.#givenUp;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', interrupt);
      this.#lister.stop('done');
    }
  }

  /** The reason of an object of which nothing was learnt. */
  reasonFor(id: number, givenUp: string): string {
    const { paths, leadsTo } = this.#inventory;
    const [path, end] = [paths.at(id) as string, paths.at(leadsTo[id] as number) as string];
    const doubt = () => this.#lister.doubt(path) || this.#lister.doubt(end);
    return this.#reasonAbove(path) || this.#reasonAbove(end) || givenUp || doubt() || UNPROVEN;
  }

  #reasonAbove(path: string): string {
    for (let at = path; at !== ''; ) {
      at = directoryOf(at);
      const listing = this.#listings.get(at);
      if (listing !== undefined && !this.#isMissing(listing) && listing.reason !== '') return listing.reason;
    }
    return '';
  }

  #giveUp(reason: string): void {
    if (this.#givenUp !== '') return;
    this.#givenUp = reason;
    this.#stopped.abort();
    this.#lister.stop(reason);
  }

  /** Reads some directories together, and one by one those that fail: where a connection is cut, all of them do. */
  async #visit(directories: readonly string[]): Promise<void> {
    const listings = await Promise.all(directories.map((each) => this.#unasked(each) ?? this.#read(each)));
    for (const [i, directory] of directories.entries()) {
      if (this.#givenUp !== '') return;
      let listing = listings[i] as DirectoryListing;
      // Two tries that no other directory can have spoilt.
      for (let more = Math.min(2, directories.length); more > 0 && mayDoBetter(listing, directory); more--) {
        listing = await this.#readAgain(directory);
      }
      this.#listings.set(directory, this.#judged(directory, listing));
      this.leftOpen = listing.ended === 'busy' || listing.ended === 'unasked' ? listing.ended : null;
      this.#strikes = listing.ended === 'failed' ? this.#strikes + 1 : 0;
      // Without its root there is nothing to compare.
      const isOfNoUse = directory === '' && this.tree.entries === 0;
      if (isOfNoUse || this.leftOpen !== null || this.#strikes === MAX_STRIKES) this.#giveUp(listing.reason);
    }
  }

  /** Whether a name that is not listed is not there. */
  #isProof(id: number): boolean {
    const path = this.#inventory.paths.at(id) as string;
    const above = path === '' ? undefined : this.#listings.get(directoryOf(path));
    if (above === undefined) return false;
    return this.#isMissing(above) || (above.ended === 'whole' && above.wouldShow(id));
  }

  #isMissing({ ended, reason }: DirectoryListing): boolean {
    return ended === 'missing' && (reason === '' || !this.#isContradicted);
  }

  /** What needs no question. */
  #unasked(directory: string): DirectoryListing | null {
    if (directory !== '' && this.#outcomeOf(directory) === Outcome.absent) {
      const above = this.#listings.get(directoryOf(directory));
      return nothing('missing', above?.ended === 'missing' ? above.reason : '');
    }
    const refusal = this.#lister.refusal(directory);
    return refusal === '' ? null : nothing('refused', refusal);
  }

  #outcomeOf(directory: string): number | undefined {
    const id = this.#task.objectIdOf(directory);
    return id === undefined ? undefined : this.tree.outcome(id);
  }

  /** One try. */
  async #read(directory: string): Promise<DirectoryListing> {
    if (!(await this.#budget.admission(this.#stopped.signal))) return nothing('failed', INTERRUPTED);
    const listing = await this.#lister.read(directory, (entry) => this.tree.add(entry));
    // However it is listed above (a link perhaps), it is a directory to those who ask for it.
    if (isRead(listing)) this.tree.add({ type: ObjectType.directory, path: directory, sizeBytes: -1, target: '' });
    return listing;
  }

  async #readAgain(directory: string): Promise<DirectoryListing> {
    const { secondTryAfterMs = SECOND_TRY_AFTER_MS } = this.#task;
    if (this.tree.entries === 0) await pause(secondTryAfterMs, this.#stopped.signal);
    return this.#read(directory);
  }

  /** That there is no such directory proves something where nothing else was said of it. */
  #judged(directory: string, listing: DirectoryListing): DirectoryListing {
    if (listing.ended !== 'missing') return listing;
    if (directory === '') return nothing('refused', listing.reason);
    if (this.#outcomeOf(directory) !== Outcome.present) return listing;
    this.#isContradicted = true;
    return nothing('refused', CONTRADICTION);
  }
}

/** Of no use at all is only what is so after two tries. */
function mayDoBetter(listing: DirectoryListing, directory: string): boolean {
  if (isRead(listing) || listing.isFinal === true || listing.ended === 'busy' || listing.ended === 'unasked')
    return false;
  return listing.ended === 'failed' || directory === '';
}

function isRead({ ended }: DirectoryListing): boolean {
  return ended === 'whole' || ended === 'partial';
}

/** By how deep they lie; each in the order it was. */
function levelsOf(directories: readonly string[]): string[][] {
  const levels: string[][] = [];
  for (const directory of directories) {
    const depth = directory === '' ? 0 : directory.split('/').length;
    levels[depth] ??= [];
    levels[depth].push(directory);
  }
  return levels.filter((level) => level !== undefined);
}
