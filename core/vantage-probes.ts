import { isFuture } from './clock.ts';
import { PROBE_HOLDS_S, type ProbeRecord, type StateChange, withChange } from './liveness.ts';
import type { Liveness } from './observations.ts';
import { newestReports, summedCost, votedLiveness } from './vantage-liveness.ts';

/**
 * A probe's voice is gone when it is so much older than the newest: probes run every few minutes, and one that saw a
 * mirror alive must not hold it up for hours.
 */
export const PROBE_WINDOW_S = PROBE_HOLDS_S;

/** What each vantage found, by name; `vantage` is whose record it is where that is not a folded one. */
export function probesOf(record: ProbeRecord, vantage = ''): Readonly<Record<string, ProbeRecord>> {
  return record.vantages ?? { [vantage]: record };
}

/**
 * One record of what several vantages found of one access point: of each the newest report, and together they are as
 * alive as `votedLiveness` says within `PROBE_WINDOW_S`. What else they tell is of those whose voice counts: over a
 * family it is up where one of them reached it; of the rest the newest who knows. Neither order nor grouping nor
 * repetition matters. Where only probes without a vantage are given it is the newest of them as it is. Throws
 * RangeError for none.
 */
export function foldProbes(all: readonly Readonly<Record<string, ProbeRecord>>[]): ProbeRecord {
  const vantages = newestReports(all);
  const named = Object.entries(vantages);
  const [first] = named;
  if (first === undefined) throw new RangeError('no probe to fold');
  if (named.length === 1 && first[0] === '') return first[1];
  const newestS = Math.max(...named.map(([, { liveness }]) => liveness.checkedAtS));
  const heard = named
    .filter(([, { liveness }]) => newestS - liveness.checkedAtS < PROBE_WINDOW_S)
    .sort(([, a], [, b]) => b.liveness.checkedAtS - a.liveness.checkedAtS);
  const records = heard.map(([, record]) => record);
  const newest = <T>(of: (record: ProbeRecord) => T, isKnown: (value: T) => boolean, none: T): T =>
    records.map(of).find(isKnown) ?? none;
  const family = (of: (record: ProbeRecord) => boolean | null) =>
    records.some((record) => of(record) === true) ? true : newest(of, (up) => up !== null, null);
  const { accessPointId, url } = first[1];
  const liveness = votedLiveness(vantages, PROBE_WINDOW_S);
  const isNumber = (value: number | null) => value !== null;
  return {
    ...{ accessPointId, url, liveness },
    ipv4Up: family((record) => record.ipv4Up),
    ipv6Up: family((record) => record.ipv6Up),
    finalHost: newest(
      (record) => record.finalHost,
      (host) => host !== '',
      '',
    ),
    stampLagS: newest((record) => record.stampLagS, isNumber, null),
    certificateValidToS: newest((record) => record.certificateValidToS, isNumber, null),
    warnings: warningsOf(heard),
    knownObjects: newest(
      (record) => record.knownObjects,
      (known) => known.length > 0,
      [],
    ),
    cost: summedCost(vantages),
    history: votedHistory(vantages),
    vantages,
  };
}

/**
 * The record without the reports that are dated in the future; null where none is left. `aheadS` is how far beyond now
 * the latest of them is, 0 where there is none.
 */
export function probeWithoutFuture(
  record: ProbeRecord,
  nowS: number,
  vantage = '',
): { readonly record: ProbeRecord | null; readonly vantages: readonly string[]; readonly aheadS: number } {
  const reports = Object.entries(probesOf(record, vantage));
  const skewed = reports.filter(([, { liveness }]) => isFuture(liveness.checkedAtS, nowS));
  if (skewed.length === 0) return { record, vantages: [], aheadS: 0 };
  const kept = reports.filter((report) => !skewed.includes(report));
  return {
    record: kept.length === 0 ? null : foldProbes([Object.fromEntries(kept)]),
    vantages: skewed.map(([name]) => name),
    aheadS: Math.max(...skewed.map(([, { liveness }]) => liveness.checkedAtS)) - nowS,
  };
}

/** Each once; what not all of them say, with the names of those who do. */
function warningsOf(heard: readonly (readonly [string, ProbeRecord])[]): readonly string[] {
  const sayers = new Map<string, string[]>();
  for (const [name, { warnings }] of heard) {
    for (const warning of new Set(warnings)) sayers.set(warning, [...(sayers.get(warning) ?? []), name]);
  }
  return [...sayers].map(([warning, names]) => {
    const named = names.filter((name) => name !== '').sort();
    return names.length === heard.length || named.length === 0 ? warning : `${named.join(', ')}: ${warning}`;
  });
}

/** The vote after each change that any of them has seen, all voices equal. */
function votedHistory(vantages: Readonly<Record<string, ProbeRecord>>): readonly StateChange[] {
  const records = Object.entries(vantages);
  const changes = records.flatMap(([, { history }]) => history.map(({ atS }) => atS));
  let history: readonly StateChange[] = [];
  let before: Liveness | null = null;
  for (const atS of [...new Set(changes)].sort((a, b) => a - b)) {
    const standing = records.flatMap(([name, { history, liveness }]) => {
      const last = history.findLast((change) => change.atS <= atS);
      if (last === undefined || atS > liveness.checkedAtS + PROBE_WINDOW_S) return [];
      return [
        [name, { liveness: { state: last.state, sinceS: last.atS, checkedAtS: atS, reason: last.reason } }],
      ] as const;
    });
    const after = votedLiveness(Object.fromEntries(standing), PROBE_WINDOW_S);
    history = withChange(history, before, after);
    before = after;
  }
  return history;
}
