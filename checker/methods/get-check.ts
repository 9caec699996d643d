import { quoted } from '../../core/errors.ts';
import { grouped } from '../../core/grouped.ts';
import { Outcome, type OutcomeCode } from '../../core/observations.ts';
import type { HeadAnswer, HeadClient } from '../net/head-client.ts';
import { PageClient } from '../net/page-client.ts';
import type { PageAnswer } from '../net/page-handler.ts';
import { type AnswerSample, isSame } from '../net/pipelining.ts';
import { phraseOf } from '../net/reasons.ts';
import { isRefusal } from '../net/refusals.ts';
import type { CheckTask } from './contract.ts';
import { FEW_OBJECTS } from './http-preflight.ts';

/** Of each kind of answers to HEAD so many are asked for by GET; of what is present among few objects, one. */
const SAMPLE_SIZE = 4;
const CONNECTIONS = 4;
/** For all of them together; what is not answered by then is not contradicted. */
const MAX_TIMEOUTS = 4;
const MAX_PATH_CHARACTERS = 80;

/** Samples of what HEAD showed, by kind. */
export type Samples = ReadonlyMap<OutcomeCode, AnswerSample>;

/** A kind of answers to HEAD that GET contradicts. */
export interface Dispute {
  readonly outcome: OutcomeCode;
  /** Every one of the sample is contradicted. */
  readonly isTotal: boolean;
  /** The first of them, as a sentence. */
  readonly reason: string;
}

interface Sampled {
  readonly outcome: OutcomeCode;
  readonly path: string;
  readonly head: HeadAnswer;
  get: 'not asked' | 'confirms' | 'contradicts';
  reason: string;
}

type Answered = Pick<PageAnswer, 'status' | 'lengthBytes' | 'isEncoded'>;

/**
 * Asks by GET, whose body is not read, for some of what HEAD showed: viewers ask by GET, and a server may answer it
 * otherwise. Kinds that were confirmed often enough in this run are not asked for again. No answer is no contradiction, and where
 * there is one, both are asked again: the object may have changed in between.
 */
export async function disputesOf(
  task: CheckTask,
  client: HeadClient,
  samples: Samples,
  pathOf: (index: number) => string,
): Promise<readonly Dispute[]> {
  const { confirmed } = task.acquaintance;
  // What is absent may be so for GET too, and others of its kind not: one is no sample, however few they are.
  const sizeOf = (outcome: OutcomeCode) =>
    task.objectIds.length > FEW_OBJECTS || outcome === Outcome.absent ? SAMPLE_SIZE : 1;
  const times = (outcome: OutcomeCode) => confirmed.get(outcome) ?? 0;
  const sampled = [...samples].flatMap(([outcome, { answers }]) =>
    answers
      .slice(0, Math.max(0, sizeOf(outcome) - times(outcome)))
      .map(
        ({ index, answer }): Sampled => ({ outcome, path: pathOf(index), head: answer, get: 'not asked', reason: '' }),
      ),
  );
  if (sampled.length > 0) await askByGet(task, client, sampled);
  return [...samples.keys()].flatMap((outcome) => {
    const asked = sampled.filter((each) => each.outcome === outcome && each.get !== 'not asked');
    const contradicted = asked.filter(({ get }) => get === 'contradicts');
    const [first] = contradicted;
    if (first !== undefined) return [{ outcome, isTotal: contradicted.length === asked.length, reason: first.reason }];
    confirmed.set(outcome, times(outcome) + asked.length);
    return [];
  });
}

/** Several at once; given up at the first that gets no answer. */
async function askByGet(task: CheckTask, client: HeadClient, sampled: readonly Sampled[]): Promise<void> {
  const { accessPoint, hosts, timeoutMs, signal } = task;
  const { origin, pathname } = new URL(accessPoint.url);
  const pages = await PageClient.open({
    ...{ origin, userAgent: client.userAgent, budget: hosts.of(accessPoint.url), connections: CONNECTIONS, depth: 1 },
    ...{ timeoutMs, pageTimeoutMs: timeoutMs, maxPageBytes: 0 },
    // A host that asks for minutes of patience is not waited for again: its bulk was.
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs * MAX_TIMEOUTS)]),
  });
  const queue = [...sampled];
  const doubted: Sampled[] = [];
  const askOn = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const answer = await pages.peek(pathname + next.path);
      if (answer.status === 0) queue.length = 0;
      else if (contradicts(next, answer)) doubted.push(next);
      else next.get = 'confirms';
    }
  };
  await Promise.all(Array.from({ length: pages.width }, askOn));
  const again: PageAnswer[] = [];
  for (const { path } of doubted) again.push(await pages.peek(pathname + path));
  await pages.close();
  client.count(pages);
  // Not while the other connections are held: the host's account may have no more.
  const { answers } = await client.askFew(doubted.map(({ path }) => path));
  for (const [i, each] of doubted.entries()) {
    const [head, get] = [answers[i] ?? null, again[i] as PageAnswer];
    if (head === null || !isSame(head, each.head) || !contradicts(each, get)) continue;
    each.get = 'contradicts';
    each.reason = `HEAD and GET disagree: for ${quoted(each.path, MAX_PATH_CHARACTERS)} HEAD is answered ${worded(head)}, GET ${worded(get, get.isEncoded)}`;
  }
}

function contradicts({ outcome, head }: Sampled, { status, lengthBytes, isEncoded }: Answered): boolean {
  if (status === 0 || isRefusal(status)) return false;
  if (outcome === Outcome.absent) return status >= 200 && status < 300;
  // Compressed in chunks it has no length, and is not what a viewer wants all the same.
  return status !== 200 || (lengthBytes !== head.lengthBytes && (lengthBytes >= 0 || isEncoded));
}

function worded({ status, lengthBytes }: HeadAnswer | PageAnswer, isEncoded = false): string {
  const bytes = status === 200 && lengthBytes >= 0 ? `${status} with ${grouped(lengthBytes)} bytes` : phraseOf(status);
  return status === 200 && isEncoded ? `${bytes}, compressed without being asked` : bytes;
}
