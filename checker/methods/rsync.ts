import { beginRsyncListing, type RsyncListing } from '../../core/node/rsync.ts';
import { Outcome } from '../../core/observations.ts';
import { FULL_HOUSE_TRIES, noRoom } from '../full-house.ts';
import { ListedTree } from '../listed-tree.ts';
import { forbiddenReason } from '../net/reach.ts';
import { pause, SECOND_TRY_AFTER_MS } from '../second-try.ts';
import type { CheckTask, Method, MethodReport } from './contract.ts';

/** One listing of the whole tree, compared with the inventory; where nothing comes of it, another; a full house is knocked at again. */
export const rsync: Method = { name: 'rsync', scope: 'tree', protocols: ['rsync'], check };

/** A pass looks at all objects: with so many times as many entries it is worth another. */
const WORTH_A_PASS = 1.1;
/** Of a server that is of no use. */
const TRIES = 2;

async function check(task: CheckTask): Promise<MethodReport> {
  const tree = new ListedTree(task.inventory, task.objectIdOf);
  const verdicts = new Verdicts(task, tree);
  const { accessPoint, timeoutMs, secondTryAfterMs = SECOND_TRY_AFTER_MS, signal } = task;
  const budget = task.hosts.of(accessPoint.url);
  const forbidden = await forbiddenReason(accessPoint.url, budget.allowed);
  if (forbidden !== '') {
    task.begun?.drop();
    for (const id of task.objectIds) task.sink.fail(id, forbidden);
    return { ended: 'unusable', reason: forbidden, requests: 0, connections: 0 };
  }
  const connections = await budget.reserve(1, signal);
  let [tries, bytes] = [0, 0];
  const list = async (begun = beginRsyncListing({ url: accessPoint.url, timeoutMs, signal })) => {
    tries++;
    const read = await begun.read(
      (entry) => tree.add(entry),
      signal,
      () => verdicts.settleListed(),
    );
    bytes += read.bytes;
    return read;
  };
  const isOfNoUse = ({ complete }: RsyncListing) => !complete && tree.entries === 0;
  const listUntilOfUse = async () => {
    let read = await list(task.begun ?? undefined);
    while (isOfNoUse(read) && tries < (read.isFull ? FULL_HOUSE_TRIES : TRIES)) {
      if (!(await pause(secondTryAfterMs * 2 ** (tries - 1), signal))) break;
      read = await list();
    }
    return read;
  };
  const listing = await listUntilOfUse().finally(() => budget.release(connections));
  tree.isWhole = () => listing.complete;
  const cost = { requests: tries, connections: tries, bytes };
  const isInterrupted = task.signal.aborted && !listing.complete;
  const isBusy = isOfNoUse(listing) && listing.isFull;
  verdicts.settleAll(isInterrupted || isBusy ? null : listing.reason);
  if (isInterrupted) return { ended: 'interrupted', reason: '', ...cost };
  if (isBusy) return { ended: 'busy', reason: noRoom(listing.reason), ...cost };
  if (listing.complete) return { ended: 'whole', reason: '', ...cost };
  return { ended: tree.entries === 0 ? 'unusable' : 'partial', reason: listing.reason, ...cost };
}

/** Tells the sink what the listing shows: of what is listed already while rsync takes leave, of the rest at the end. */
class Verdicts {
  readonly #task: CheckTask;
  readonly #tree: ListedTree;
  /** By place in the task's objects: 1 = told. */
  readonly #isTold: Uint8Array;
  #nextAtEntries = 0;

  constructor(task: CheckTask, tree: ListedTree) {
    this.#task = task;
    this.#tree = tree;
    this.#isTold = new Uint8Array(task.objectIds.length);
  }

  /** What is listed by now is so, unless it is listed once more. A server that pauses often is not listened to each time. */
  settleListed(): void {
    const { entries, repeated } = this.#tree;
    if (entries < this.#nextAtEntries || repeated > 0) return;
    this.#nextAtEntries = entries * WORTH_A_PASS;
    this.#settle((id) => this.#tree.isListed(id));
  }

  /** `reason`: why nothing is known of the others; null = it is not to be told. */
  settleAll(reason: string | null): void {
    if (this.#tree.repeated > 0) this.#isTold.fill(0);
    this.#settle(() => true);
    if (reason === null) return;
    const { objectIds, sink } = this.#task;
    for (let i = 0; i < objectIds.length; i++) {
      if (this.#isTold[i] === 0) sink.fail(objectIds[i] as number, reason);
    }
  }

  #settle(isRipe: (id: number) => boolean): void {
    const { objectIds, sink } = this.#task;
    const tree = this.#tree;
    for (let i = 0; i < objectIds.length; i++) {
      const id = objectIds[i] as number;
      if (this.#isTold[i] === 1 || !isRipe(id)) continue;
      const outcome = tree.outcome(id);
      if (outcome === Outcome.none) continue;
      sink.record(id, outcome, tree.sizeBytes(id, outcome));
      this.#isTold[i] = 1;
    }
  }
}
