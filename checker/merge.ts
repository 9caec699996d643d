import { withoutFuture } from '../core/clock.ts';
import { emptyObservations } from '../core/formats/observations-file.ts';
import { methodNumber, type Observations, Outcome } from '../core/observations.ts';
import { newestReports, summedCost, votedLiveness } from '../core/vantage-liveness.ts';
import { MAX_REASONS, OTHER } from './failure-reasons.ts';

/** Which of two outcomes of the same second stands, the last here first: nobody is sent to what one vantage missed. */
const DOUBT: readonly number[] = [Outcome.none, Outcome.present, Outcome.different, Outcome.absent];

/**
 * Folds what several vantages found of one access point. Of each object the newest evidence stands; of the same second
 * the more doubtful one, then the larger size, then the method whose name sorts last. A failed check is kept where it is newer than
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
  takeEvidence(merged, inputs);
  takeFailures(merged, inputs);
  return { ...merged, vantages, liveness: votedLiveness(vantages), cost: summedCost(vantages) };
}

function takeEvidence(merged: Observations, inputs: readonly Observations[]): void {
  const { outcome, sizeBytes, evidenceAtS, ownCheckAtS } = merged;
  const names = [...new Set(inputs.flatMap(({ methods }) => methods))].sort();
  const rankOf = new Map(names.map((name, rank) => [name, rank]));
  const chosen = new Int32Array(outcome.length).fill(-1);
  for (const input of inputs) {
    const ranks = input.methods.map((name) => rankOf.get(name) as number);
    for (let id = 0; id < chosen.length; id++) {
      ownCheckAtS[id] = Math.max(ownCheckAtS[id] as number, input.ownCheckAtS[id] as number);
      const rank = ranks[input.method[id] as number] ?? 0;
      if (input.evidenceAtS[id] === 0 || !isStronger(input, merged, id, rank - (chosen[id] as number))) continue;
      outcome[id] = input.outcome[id] as number;
      sizeBytes[id] = input.sizeBytes[id] as number;
      evidenceAtS[id] = input.evidenceAtS[id] as number;
      chosen[id] = rank;
    }
  }
  for (const rank of [...new Set(chosen)].sort((a, b) => a - b)) {
    if (rank >= 0) methodNumber(merged.methods, names[rank] as string);
  }
  const numbers = names.map((name) => merged.methods.indexOf(name));
  for (let id = 0; id < chosen.length; id++) merged.method[id] = numbers[chosen[id] as number] ?? 0;
}

/** `byMethod`: above 0 where the method of `a` is the later one. */
function isStronger(a: Observations, b: Observations, id: number, byMethod: number): boolean {
  const by =
    (a.evidenceAtS[id] as number) - (b.evidenceAtS[id] as number) ||
    DOUBT.indexOf(a.outcome[id] as number) - DOUBT.indexOf(b.outcome[id] as number) ||
    (a.sizeBytes[id] as number) - (b.sizeBytes[id] as number) ||
    byMethod;
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
  const kept = used.length < MAX_REASONS ? used : used.slice(0, MAX_REASONS - 1);
  merged.failures.push(...kept.map((rank) => reasons[rank] as string));
  if (kept.length < used.length) merged.failures.push(OTHER);
  const indexOf = new Map(kept.map((rank, index) => [rank, index]));
  for (let id = 0; id < chosen.length; id++) {
    if (chosen[id] !== -1) merged.failure[id] = indexOf.get(chosen[id] as number) ?? MAX_REASONS - 1;
  }
}
