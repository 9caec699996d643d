import { Outcome, type OutcomeCode } from '../../core/observations.ts';
import type { HeadClient } from '../net/head-client.ts';
import { AnswerSample, isConfirmed } from '../net/pipelining.ts';
import type { CheckTask } from './contract.ts';
import { disputesOf, type Samples } from './get-check.ts';
import { askForDenial, SOFT_404 } from './http-preflight.ts';

/** Of each kind of answer. */
const SAMPLE_SIZE = 8;
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
  /** Nothing is asked for after this. */
  readonly isEnd: boolean;
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
export function newSamples(): Samples {
  const outcomes: OutcomeCode[] = [Outcome.present, Outcome.absent, Outcome.different];
  return new Map(outcomes.map((outcome) => [outcome, new AnswerSample(SAMPLE_SIZE)]));
}

/**
 * Whether what HEAD showed may count: the server still denies what can't exist, says the same when it is asked one at a
 * time, and answers GET as HEAD. Tells the sink what came of it. Takes until `graceSignal` at the most, though `signal` is
 * raised.
 */
export async function confirm(task: CheckTask, client: HeadClient, shown: Shown): Promise<Confirmation> {
  const { samples, directories, isTogether, isEnd, pathOf } = shown;
  const { sink, graceSignal, timeoutMs, acquaintance } = task;
  const denial = await askForDenial(client, timeoutMs);
  if (denial.isSoft404) {
    sink.withdraw(FOUND, SOFT_404);
    return { verdict: 'refuted', isUseless: true, reason: SOFT_404 };
  }
  if (!denial.isAnswered) return { verdict: 'unconfirmed', reason: denial.reason };
  if (isTogether && !(await isConfirmed(client, samples.values(), pathOf))) return { verdict: 'mixed up' };
  const disputes = await disputesOf({ ...task, signal: graceSignal }, client, samples, pathOf);
  const isTried = (kind: OutcomeCode) => acquaintance.confirmed.has(kind) || samples.get(kind)?.answers.length !== 0;
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
