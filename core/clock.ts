import { quoted } from './errors.ts';
import { type Observations, Outcome, type VantageReport } from './observations.ts';
import { summedCost, votedLiveness } from './vantage-liveness.ts';

/** Clocks of machines differ a little. What is later than now by more than this was dated by a wrong one. */
export const MAX_CLOCK_SKEW_S = 3600;

const DAY_S = 86_400;

/** Whether a time, in seconds since 1970, can only come from a clock that is ahead of the one that says `nowS`. */
export function isFuture(atS: number, nowS: number): boolean {
  return atS > nowS + MAX_CLOCK_SKEW_S;
}

/** What a clock that is ahead has dated. */
export interface Skew {
  /** Of those vantages the report is; none where only evidence is. By name, '' = none was told. */
  readonly vantages: readonly string[];
  /** How far beyond now the latest of it is; at least `MAX_CLOCK_SKEW_S`. */
  readonly aheadS: number;
}

/**
 * The observations without what is dated in the future (`isFuture`): such evidence would never expire, and outlast all
 * that is found later. It counts as none; so do such failures and such reports of vantages. `skew` is null where
 * nothing is, and then the observations are the very same; else a copy.
 */
export function withoutFuture(
  observations: Observations,
  nowS: number,
): { readonly observations: Observations; readonly skew: Skew | null } {
  const latestS = latestOf(observations);
  if (!isFuture(latestS, nowS)) return { observations, skew: null };
  const reports = Object.entries(observations.vantages);
  const isKept = ([, { liveness }]: readonly [string, VantageReport]) => !isFuture(liveness.checkedAtS, nowS);
  const vantages = Object.fromEntries(reports.filter(isKept));
  const skewed = reports.filter((report) => !isKept(report)).map(([name]) => name);
  const isVoteNew = skewed.length > 0 || isFuture(observations.liveness.checkedAtS, nowS);
  const kept: Observations = {
    ...observations,
    ...(isVoteNew ? { vantages, liveness: votedLiveness(vantages), cost: summedCost(vantages) } : {}),
    outcome: observations.outcome.slice(),
    sizeBytes: observations.sizeBytes.slice(),
    evidenceAtS: observations.evidenceAtS.slice(),
    method: observations.method.slice(),
    ownCheckAtS: observations.ownCheckAtS.slice(),
    failedAtS: observations.failedAtS.slice(),
    failedTimes: observations.failedTimes.slice(),
    failure: observations.failure.slice(),
  };
  forgetCells(kept, nowS);
  return { observations: kept, skew: { vantages: skewed, aheadS: latestS - nowS } };
}

function forgetCells(kept: Observations, nowS: number): void {
  const { outcome, sizeBytes, evidenceAtS, method, ownCheckAtS, failedAtS, failedTimes, failure } = kept;
  for (let id = 0; id < outcome.length; id++) {
    const isForgotten = isFuture(evidenceAtS[id] as number, nowS);
    if (isForgotten) {
      outcome[id] = Outcome.none;
      sizeBytes[id] = -1;
      evidenceAtS[id] = 0;
      method[id] = 0;
    }
    // Owed at once: nobody knows when it was.
    if (isForgotten || isFuture(ownCheckAtS[id] as number, nowS)) ownCheckAtS[id] = 0;
    if (isFuture(failedAtS[id] as number, nowS)) {
      failedAtS[id] = 0;
      failedTimes[id] = 0;
      failure[id] = 0;
    }
  }
}

function latestOf({ liveness, vantages, evidenceAtS, ownCheckAtS, failedAtS }: Observations): number {
  let latestS = liveness.checkedAtS;
  for (const report of Object.values(vantages)) latestS = Math.max(latestS, report.liveness.checkedAtS);
  for (let id = 0; id < evidenceAtS.length; id++) {
    // 66 million cells of a full build: comparisons alone.
    if ((evidenceAtS[id] as number) > latestS) latestS = evidenceAtS[id] as number;
    if ((ownCheckAtS[id] as number) > latestS) latestS = ownCheckAtS[id] as number;
    if ((failedAtS[id] as number) > latestS) latestS = failedAtS[id] as number;
  }
  return latestS;
}

/** A sentence on a wrong clock; `where` names what it has dated where no vantage is known to have it. */
export function skewNote(where: string, { vantages, aheadS }: Skew): string {
  const named = vantages.filter((name) => name !== '').map((name) => quoted(name, 80));
  const whose = named.length === 0 ? where : `${where}: vantage ${named.join(', ')}`;
  const [count, unit] = aheadS < 2 * DAY_S ? [aheadS / 3600, 'hours'] : [aheadS / DAY_S, 'days'];
  return `${whose}: its clock is ${Math.round(count).toLocaleString('en')} ${unit} ahead; what it dated so counts for nothing: set the clock (or this machine's, if that is behind), and check there again`;
}

/** Passes each line on once: many files tell of the same wrong clock. */
export function toldOnce(note: (line: string) => void): (line: string) => void {
  const told = new Set<string>();
  return (line) => {
    if (told.has(line)) return;
    told.add(line);
    note(line);
  };
}
