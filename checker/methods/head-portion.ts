import { isDirectoryLike, requestPath } from '../../core/inventory.ts';
import type { HeadClient, Pace } from '../net/head-client.ts';
import type { HeadRunReport } from '../net/head-run.ts';
import { askAgain } from './ask-again.ts';
import type { CheckTask } from './contract.ts';
import { type Findings, PortionAnswers } from './portion-answers.ts';

const MAX_STRIKES = 3;
/** An access point gets so many times the time-out for all of its objects: an hour for ten seconds. */
const BUDGET_TIMEOUTS = 360;
/** So much is found before it is confirmed, though no checkpoint is due: it has to be kept in mind. */
const MOST_UNCONFIRMED = 250_000;

/** What is asked for between two checkpoints; its findings are added to those of the portions before. */
export interface Portion extends Findings {
  readonly pace: Pace;
  /** Index into the task's objects. */
  readonly from: number;
  /** By the portions before. */
  readonly spentMs: number;
}

export interface PortionReport extends Pick<HeadRunReport, 'ended' | 'next' | 'reason' | 'isMismatched'> {
  /** Objects of which something was found. */
  readonly found: number;
  readonly elapsedMs: number;
}

/** Asks for the objects from one on, until a checkpoint is due. */
export async function askPortion(task: CheckTask, client: HeadClient, portion: Portion): Promise<PortionReport> {
  const { objectIds, timeoutMs, checkpointMs } = task;
  const { pace, from, spentMs } = portion;
  const answers = new PortionAnswers(task, portion);
  const startedAtMs = performance.now();
  const elapsedMs = () => performance.now() - startedAtMs;
  const ask = (count: number, indexOf: (nth: number) => number, isEnough: () => boolean) =>
    client.askAll({
      ...pace,
      count,
      pathOf: (nth) => askedPath(task, indexOf(nth)),
      onAnswer: (nth, status, lengthBytes, location, isEncoded) =>
        answers.add(indexOf(nth), status, lengthBytes, location, isEncoded),
      onFailure: (nth, reason) => answers.fail(indexOf(nth), reason),
      maxStrikes: MAX_STRIKES,
      budgetMs: timeoutMs * BUDGET_TIMEOUTS,
      spentMs: spentMs + elapsedMs(),
      isEnough,
    });
  const report = await ask(
    objectIds.length - from,
    (nth) => from + nth,
    () => answers.found >= MOST_UNCONFIRMED || elapsedMs() >= checkpointMs,
  );
  const doubtful = {
    indexes: answers.takeDoubtful(),
    others: answers.found,
    requestsPerSecond: (report.requests / elapsedMs()) * 1000,
    ask: async (indexes: readonly number[]) => {
      const { ended } = await ask(
        indexes.length,
        (nth) => indexes[nth] as number,
        () => false,
      );
      return { ended, left: answers.takeDoubtful() };
    },
    pathOf: (index: number) => askedPath(task, index),
  };
  const isDone = report.ended === 'whole' || report.ended === 'enough';
  const left = isDone && answers.found > 0 ? await askAgain(task, client, doubtful) : doubtful.indexes;
  const ended = left === null ? 'interrupted' : report.ended;
  // Not asked for again, they have not failed.
  if (ended !== 'interrupted') answers.failDoubtful(left ?? []);
  return { ...report, ended, next: from + report.next, found: answers.found, elapsedMs: elapsedMs() };
}

/** With a trailing slash wherever a directory is at the end: servers redirect without. */
export function askedPath({ inventory, objectIds }: CheckTask, index: number): string {
  const id = objectIds[index] as number;
  const path = requestPath(inventory, id);
  return isDirectoryLike(inventory, id) && path !== '' && !path.endsWith('/') ? `${path}/` : path;
}
