import { type Inventory, isDirectoryLike, ObjectType, requestPath } from '../../core/inventory.ts';
import { Outcome, type OutcomeCode } from '../../core/observations.ts';
import type { HeadClient, Pace } from '../net/head-client.ts';
import type { HeadRunReport } from '../net/head-run.ts';
import { COMPRESSED, statusReason } from '../net/reasons.ts';
import type { Shown } from './confirmation.ts';
import type { CheckTask } from './contract.ts';

const MAX_STRIKES = 3;
/** An access point gets so many times the time-out for all of its objects: an hour for ten seconds. */
const BUDGET_TIMEOUTS = 360;
/** So much is found before it is confirmed, though no checkpoint is due: it has to be kept in mind. */
const MOST_UNCONFIRMED = 250_000;
const NO_LENGTH = 'tells no length (Content-Length)';
const NO_SIZE = `${COMPRESSED} (Content-Encoding), so that no size is told`;
const KEPT_COMPRESSED = /\.(t?gz|svgz|t?bz2?|t?xz|t?lzma|lz|tzst|zst|br|z)$/i;
/** Apache's Options FollowSymLinks: a link whose end is not there may not be followed. */
const DANGLING = 'answers 403 (forbidden) to a link whose end is not there, as Apache does';

/** What is asked for between two checkpoints. */
export interface Portion {
  readonly pace: Pace;
  /** Index into the task's objects. */
  readonly from: number;
  /** By the portions before. */
  readonly spentMs: number;
  /** What is found is added to them. */
  readonly samples: Shown['samples'];
  readonly directories: Shown['directories'];
  /** By id: 1 = the portions before, or this one, found it absent. */
  readonly absent: Uint8Array;
}

export interface PortionReport extends Pick<HeadRunReport, 'ended' | 'next' | 'reason' | 'isMismatched'> {
  /** Objects of which something was found. */
  readonly found: number;
  readonly elapsedMs: number;
}

/** Asks for the objects from one on, until a checkpoint is due. */
export async function askPortion(task: CheckTask, client: HeadClient, portion: Portion): Promise<PortionReport> {
  const { inventory, objectIds, sink } = task;
  const { pace, from, spentMs, samples, directories, absent } = portion;
  const startedAtMs = performance.now();
  const forbiddenLinks: number[] = [];
  let found = 0;
  const record = (index: number, outcome: OutcomeCode, status: number, lengthBytes: number) => {
    const id = objectIds[index] as number;
    const isDirectory = isDirectoryLike(inventory, id);
    found++;
    if (outcome === Outcome.absent) absent[id] = 1;
    if (isDirectory) {
      directories.set(id, outcome);
      return;
    }
    sink.record(id, outcome, outcome === Outcome.absent ? -1 : lengthBytes);
    samples.get(outcome)?.add(index, status, lengthBytes);
  };
  const report = await client.askAll({
    ...pace,
    count: objectIds.length - from,
    pathOf: (nth) => askedPath(task, from + nth),
    onAnswer: (nth, status, lengthBytes, location, isEncoded) => {
      const index = from + nth;
      const id = objectIds[index] as number;
      const isDirectory = isDirectoryLike(inventory, id);
      if (status === 200 && !isDirectory && isEncoded && !isLabelled(lengthBytes, inventory, id))
        sink.fail(id, NO_SIZE);
      else if (status === 200 && !isDirectory && lengthBytes < 0) sink.fail(id, NO_LENGTH);
      else if (status === 200) {
        const isRight = isDirectory || lengthBytes === inventory.sizeBytes[id];
        record(index, isRight ? Outcome.present : Outcome.different, status, lengthBytes);
      } else if (status === 404 || status === 410) record(index, Outcome.absent, status, lengthBytes);
      else if (status === 403 && inventory.types[id] === ObjectType.symlink) forbiddenLinks.push(id);
      else sink.fail(id, statusReason(status, location));
    },
    onFailure: (nth, reason) => sink.fail(objectIds[from + nth] as number, reason),
    maxStrikes: MAX_STRIKES,
    budgetMs: task.timeoutMs * BUDGET_TIMEOUTS,
    spentMs,
    isEnough: () => found >= MOST_UNCONFIRMED || performance.now() - startedAtMs >= task.checkpointMs,
  });
  for (const id of forbiddenLinks)
    sink.fail(id, absent[inventory.leadsTo[id] as number] === 1 ? DANGLING : statusReason(403, ''));
  return { ...report, next: from + report.next, found, elapsedMs: performance.now() - startedAtMs };
}

/**
 * Apache's AddEncoding names the format of a file that is kept compressed, and tells its own length. Only so an encoded
 * answer proves anything: a server that compresses the file once more would hardly come to that very length.
 */
function isLabelled(lengthBytes: number, { paths, sizeBytes }: Inventory, id: number): boolean {
  return lengthBytes === sizeBytes[id] && KEPT_COMPRESSED.test(paths.at(id) as string);
}

/** With a trailing slash wherever a directory is at the end: servers redirect without. */
export function askedPath({ inventory, objectIds }: CheckTask, index: number): string {
  const id = objectIds[index] as number;
  const path = requestPath(inventory, id);
  return isDirectoryLike(inventory, id) && path !== '' && !path.endsWith('/') ? `${path}/` : path;
}
