import { withoutFuture } from '../core/clock.ts';
import { emptyObservations } from '../core/formats/observations-file.ts';
import { type Observations, Outcome } from '../core/observations.ts';
import { newestReports, summedCost, votedLiveness } from '../core/vantage-liveness.ts';

const MAX_REASONS = 256;
const OTHER = 'other';
/** Which of two outcomes of the same second stands, the last here first: nobody is sent to what one vantage missed. */
const DOUBT: readonly number[] = [Outcome.none, Outcome.present, Outcome.different, Outcome.absent];

/**
 * Folds what several vantages found of one access point. Of each object the newest evidence stands; of the same second
 * the more doubtful one, then the larger size, then the later method. A failed check is kept where it is newer than
 * that evidence; of several the newest, then the reason that sorts last,
 * then the one that failed more often. Of each vantage the newest report is kept
 * (votedLiveness tells what they say together), so merged columns can be merged again: neither order nor grouping nor
 * repetition changes the result, as long as there are at most 255 different reasons; further ones become "other". What
 * is dated later than `nowS` (seconds since 1970) counts for nothing (core/clock.ts).
 *
 * All are about the same access point and of equal length; none of them is changed. Throws RangeError for none.
 */
export function mergeObservations(all: readonly Observations[], nowS: number): Observations {
  const inputs = all.map((input) => withoutFuture(input, nowS).observations);
  const [first] = inputs;
  if (first === undefined) throw new RangeError('nothing to merge');
  const vantages = newestReports(inputs.map((input) => input.vantages));
  const merged = emptyObservations(first.accessPointId, first.url, first.outcome.length, 0);
  for (const input of inputs) takeEvidence(merged, input);
  takeFailures(merged, inputs);
  return { ...merged, vantages, liveness: votedLiveness(vantages), cost: summedCost(vantages) };
}

function takeEvidence(merged: Observations, input: Observations): void {
  for (let id = 0; id < merged.outcome.length; id++) {
    merged.ownCheckAtS[id] = Math.max(merged.ownCheckAtS[id] as number, input.ownCheckAtS[id] as number);
    if (input.evidenceAtS[id] === 0 || !isStronger(input, merged, id)) continue;
    merged.outcome[id] = input.outcome[id] as number;
    merged.sizeBytes[id] = input.sizeBytes[id] as number;
    merged.evidenceAtS[id] = input.evidenceAtS[id] as number;
    merged.method[id] = input.method[id] as number;
  }
}

function isStronger(a: Observations, b: Observations, id: number): boolean {
  const by =
    (a.evidenceAtS[id] as number) - (b.evidenceAtS[id] as number) ||
    DOUBT.indexOf(a.outcome[id] as number) - DOUBT.indexOf(b.outcome[id] as number) ||
    (a.sizeBytes[id] as number) - (b.sizeBytes[id] as number) ||
    (a.method[id] as number) - (b.method[id] as number);
  return by > 0;
}

function takeFailures(merged: Observations, inputs: readonly Observations[]): void {
  const reasons = [...new Set(inputs.flatMap(({ failures }) => failures))].sort();
  const rankOf = new Map(reasons.map((reason, rank) => [reason, rank]));
  const rankings = inputs.map(({ failures }) => failures.map((reason) => rankOf.get(reason) as number));
  const chosen = new Int32Array(merged.outcome.length).fill(-1);
  inputs.forEach((input, i) => {
    for (let id = 0; id < chosen.length; id++) {
      const atS = input.failedAtS[id] as number;
      if (atS === 0 || atS <= (merged.evidenceAtS[id] as number)) continue;
      const rank = rankings[i]?.[input.failure[id] as number] ?? 0;
      const times = input.failedTimes[id] as number;
      const by =
        atS - (merged.failedAtS[id] as number) ||
        rank - (chosen[id] as number) ||
        times - (merged.failedTimes[id] as number);
      if (by <= 0) continue;
      merged.failedAtS[id] = atS;
      merged.failedTimes[id] = times;
      chosen[id] = rank;
    }
  });
  const used = [...new Set(chosen)].filter((rank) => rank >= 0).sort((a, b) => a - b);
  const kept = used.length <= MAX_REASONS ? used : used.slice(0, MAX_REASONS - 1);
  merged.failures.push(...kept.map((rank) => reasons[rank] as string));
  if (kept.length < used.length) merged.failures.push(OTHER);
  const indexOf = new Map(kept.map((rank, index) => [rank, index]));
  for (let id = 0; id < chosen.length; id++) {
    if (chosen[id] !== -1) merged.failure[id] = indexOf.get(chosen[id] as number) ?? MAX_REASONS - 1;
  }
}
