import { beginRsyncListing } from '../../core/node/rsync.ts';
import { Outcome } from '../../core/observations.ts';
import { FULL_HOUSE_TRIES, noRoom } from '../full-house.ts';
import { ListedTree } from '../listed-tree.ts';
import { forbiddenReason } from '../net/reach.ts';
import { pause, SECOND_TRY_AFTER_MS } from '../second-try.ts';
import type { CheckTask, Method, MethodReport } from './contract.ts';

/** One listing of the whole tree, compared with the inventory; where nothing comes of it, another; a full house is knocked at again. */
export const rsync: Method = { name: 'rsync', scope: 'tree', protocols: ['rsync'], check };

/** Of a server that is of no use. */
const TRIES = 2;

async function check(task: CheckTask): Promise<MethodReport> {
  const tree = new ListedTree(task.inventory, task.objectIdOf);
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
    const read = await begun.read((entry) => tree.add(entry), signal);
    bytes += read.bytes;
    return read;
  };
  let listing = await list(task.begun ?? undefined);
  const isOfNoUse = () => !listing.complete && tree.entries === 0;
  while (isOfNoUse() && tries < (listing.isFull ? FULL_HOUSE_TRIES : TRIES)) {
    if (!(await pause(secondTryAfterMs * 2 ** (tries - 1), signal))) break;
    listing = await list();
  }
  budget.release(connections);
  tree.isWhole = () => listing.complete;
  const cost = { requests: tries, connections: tries, bytes };
  const isInterrupted = task.signal.aborted && !listing.complete;
  const isBusy = isOfNoUse() && listing.isFull;
  for (const id of task.objectIds) {
    const outcome = tree.outcome(id);
    if (outcome !== Outcome.none) task.sink.record(id, outcome, tree.sizeBytes(id, outcome));
    else if (!isInterrupted && !isBusy) task.sink.fail(id, listing.reason);
  }
  if (isInterrupted) return { ended: 'interrupted', reason: '', ...cost };
  if (isBusy) return { ended: 'busy', reason: noRoom(listing.reason), ...cost };
  if (listing.complete) return { ended: 'whole', reason: '', ...cost };
  return { ended: tree.entries === 0 ? 'unusable' : 'partial', reason: listing.reason, ...cost };
}
