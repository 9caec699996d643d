import { type Inventory, isDirectoryLike, ObjectType } from '../../core/inventory.ts';
import { listOverRsync } from '../../core/node/rsync.ts';
import { Outcome, type OutcomeCode } from '../../core/observations.ts';
import type { RsyncEntry } from '../../core/rsync-list.ts';
import type { CheckTask, Method, MethodReport } from './contract.ts';

/** One listing of the whole tree, compared with the inventory. */
export const rsync: Method = { name: 'rsync', scope: 'listing', protocols: ['rsync'], check };

async function check(task: CheckTask): Promise<MethodReport> {
  const tree = new ListedTree(task.inventory, task.objectIdOf);
  const listing = await listOverRsync({
    url: task.accessPoint.url,
    timeoutMs: task.timeoutMs,
    signal: task.signal,
    onEntry: (entry) => tree.add(entry),
  });
  const cost = { requests: 1, connections: 1 };
  const isInterrupted = task.signal.aborted && !listing.complete;
  for (const id of task.objectIds) {
    const outcome = tree.outcome(id, listing.complete);
    if (outcome !== Outcome.none) task.sink.record(id, outcome, tree.sizeBytes(id, outcome));
    else if (!isInterrupted) task.sink.fail(id, listing.reason);
  }
  if (isInterrupted) return { ended: 'interrupted', reason: '', ...cost };
  if (listing.complete) return { ended: 'whole', reason: '', ...cost };
  return { ended: tree.entries === 0 ? 'unusable' : 'partial', reason: listing.reason, ...cost };
}

/** How an inventory's path is listed. */
const Listed = { no: 0, file: 1, sameLink: 2, otherLink: 3, directory: 4 } as const;

/** What a listing shows of the inventory's objects. */
export class ListedTree {
  /** All entries, those the inventory does not know too. */
  entries = 0;
  readonly #inventory: Inventory;
  readonly #objectIdOf: (path: string) => number | undefined;
  readonly #listed: Uint8Array;
  readonly #sizeBytes: Float64Array;
  #expected = 0;

  constructor(inventory: Inventory, objectIdOf: (path: string) => number | undefined) {
    this.#inventory = inventory;
    this.#objectIdOf = objectIdOf;
    this.#listed = new Uint8Array(inventory.paths.length);
    this.#sizeBytes = new Float64Array(inventory.paths.length).fill(-1);
  }

  add(entry: RsyncEntry): void {
    this.entries++;
    const { paths, targets } = this.#inventory;
    // A mirror lists in the order of its master, so the next object is mostly the one after the last.
    const id = paths[this.#expected] === entry.path ? this.#expected : this.#objectIdOf(entry.path);
    if (id === undefined) return;
    this.#expected = id + 1;
    if (entry.type === ObjectType.symlink) {
      const isSame = plainTarget(entry.target) === plainTarget(targets[id] as string);
      this.#listed[id] = isSame ? Listed.sameLink : Listed.otherLink;
    } else if (entry.type === ObjectType.directory) this.#listed[id] = Listed.directory;
    else {
      this.#listed[id] = Listed.file;
      this.#sizeBytes[id] = entry.sizeBytes;
    }
  }

  /** What the listing proves of an object; `none` = nothing. Only a complete one proves that something is absent. */
  outcome(id: number, isComplete: boolean): OutcomeCode {
    const listed = this.#listed[id];
    if (listed === Listed.no) {
      const link = this.#linkAbove(id);
      if (link !== undefined) return this.#throughLink(id, link, isComplete);
      return isComplete ? Outcome.absent : Outcome.none;
    }
    const { types, sizeBytes, leadsTo } = this.#inventory;
    if (types[id] === ObjectType.directory) {
      return listed === Listed.directory ? Outcome.present : Outcome.different;
    }
    if (listed === Listed.file && !isDirectoryLike(this.#inventory, id)) {
      return this.#sizeBytes[id] === sizeBytes[id] ? Outcome.present : Outcome.different;
    }
    if (types[id] === ObjectType.symlink && listed === Listed.sameLink) {
      const end = leadsTo[id] as number;
      if (end === id) return Outcome.different;
      const there = this.outcome(end, isComplete);
      return there === Outcome.present || there === Outcome.none ? there : Outcome.different;
    }
    return Outcome.different;
  }

  /** The size that belongs to an outcome: of a link that of what it leads to. */
  sizeBytes(id: number, outcome: OutcomeCode): number {
    if (outcome === Outcome.present) return this.#inventory.sizeBytes[id] as number;
    return outcome === Outcome.different ? (this.#sizeBytes[id] as number) : -1;
  }

  /** The link to a directory through which an object's path goes, if one does: rsync lists nothing beneath it. */
  #linkAbove(id: number): number | undefined {
    const path = this.#inventory.paths[id] as string;
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const parent = this.#objectIdOf(path.slice(0, at));
      if (parent === undefined) continue;
      return this.#inventory.types[parent] === ObjectType.symlink ? parent : undefined;
    }
    return undefined;
  }

  #throughLink(id: number, link: number, isComplete: boolean): OutcomeCode {
    const end = this.#inventory.leadsTo[id] as number;
    const ofLink = this.outcome(link, isComplete);
    const ofEnd = end === id ? Outcome.different : this.outcome(end, isComplete);
    if (ofLink === Outcome.present && ofEnd === Outcome.present) return Outcome.present;
    if (ofLink === Outcome.absent || ofEnd === Outcome.absent) return Outcome.absent;
    return ofLink === Outcome.none || ofEnd === Outcome.none ? Outcome.none : Outcome.different;
  }
}

function plainTarget(target: string): string {
  return target.startsWith('./') ? target.slice(2) : target;
}
