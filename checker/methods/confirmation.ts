import { Outcome, type OutcomeCode } from '../../core/observations.ts';
import type { HeadClient } from '../net/head-client.ts';
import type { HeadRunReport } from '../net/head-run.ts';
import { AnswerSample, areConfirmed } from '../net/pipelining.ts';
import type { CheckTask } from './contract.ts';
import { disputesOf, type Samples } from './get-check.ts';
import { farewell, SOFT_404, sampleSizeOf } from './http-preflight.ts';

const FOUND = [Outcome.present, Outcome.different] as const;

/** What HEAD showed since that was last confirmed. */
export interface Shown {
  /** Of files, and links to them. */
  readonly samples: Samples;
  /**
   * How directories were found, by id, where the sink was not told yet: servers treat them in ways of their own, so they
   * are believed with a file of their kind.
   */
  readonly directories: Map<number, OutcomeCode>;
  /** Requests waited together. */
  readonly isTogether: boolean;
  /** How it ended. */
  readonly ended: HeadRunReport['ended'];
  /** The request path of what the samples know by index. */
  readonly pathOf: (index: number) => string;
}

export type Confirmation =
  | { readonly verdict: 'confirmed' }
  /** Nothing speaks against it, but there was no answer, or no time for one. `reason` is '' for no time. */
  | { readonly verdict: 'unconfirmed'; readonly reason: string }
  /** Answers to requests that waited together are not those of requests that wait alone. */
  | { readonly verdict: 'mixed up' }
  /** What is not right was withdrawn. useless: none of what viewers ask for is to be had here. */
  | { readonly verdict: 'refuted'; readonly isUseless: boolean; readonly reason: string };

/** Empty samples of each kind of answer. */
export function newSamples({ objectIds }: CheckTask): Samples {
  const outcomes: OutcomeCode[] = [Outcome.present, Outcome.absent, Outcome.different];
  return new Map(outcomes.map((outcome) => [outcome, new AnswerSample(sampleSizeOf(objectIds.length))]));
}

/**
 * Whether what HEAD showed may count: the server still denies what can't exist, says the same when it is asked one at a
 * time, and answers GET as HEAD. Tells the sink what came of it. Takes until `graceSignal` at the most, though `signal` is
 * raised.
 */
export async function confirm(task: CheckTask, client: HeadClient, shown: Shown): Promise<Confirmation> {
  const { samples, directories, isTogether, ended, pathOf } = shown;
  const { sink, graceSignal, timeoutMs, acquaintance } = task;
  const sampled = isTogether ? [...samples.values()].flatMap(({ answers }) => answers) : [];
  const paths = sampled.map(({ index }) => pathOf(index));
  // Of a server that is hardly there no more is asked than whether it is.
  const isGivenUp = ended === 'gave up';
  const denial = await farewell(client, isGivenUp ? [] : paths, timeoutMs);
  if (denial.isSoft404) {
    sink.withdraw(FOUND, SOFT_404);
    return { verdict: 'refuted', isUseless: true, reason: SOFT_404 };
  }
  if (!denial.isAnswered) return { verdict: 'unconfirmed', reason: denial.reason };
  const { again } = isGivenUp && paths.length > 0 ? await farewell(client, paths, timeoutMs) : denial;
  const together = sampled.map(({ answer }) => answer);
  if (!areConfirmed(together, again)) return { verdict: 'mixed up' };
  const disputes = await disputesOf({ ...task, signal: graceSignal }, client, samples, pathOf);
  const isTried = (kind: OutcomeCode) =>
    (acquaintance.confirmed.get(kind) ?? 0) > 0 || samples.get(kind)?.answers.length !== 0;
  const isEnd = ended === 'whole' || isGivenUp;
  for (const [id, kind] of directories) {
    if (isEnd || isTried(kind)) {
      sink.record(id, kind, -1);
      directories.delete(id);
    }
  }
  for (const { outcome, reason } of disputes) sink.withdraw(outcome === Outcome.absent ? [outcome] : FOUND, reason);
  if (!graceSignal.aborted) sink.confirm();
  const [dispute] = disputes;
  if (dispute !== undefined) {
    // What is present to HEAD alone no viewer gets.
    const isUseless = disputes.some(({ outcome, isTotal }) => outcome === Outcome.present && isTotal);
    return { verdict: 'refuted', isUseless, reason: dispute.reason };
  }
  return graceSignal.aborted ? { verdict: 'unconfirmed', reason: '' } : { verdict: 'confirmed' };
}
