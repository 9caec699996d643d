import { MAX_CLOCK_SKEW_S } from '../../core/clock.ts';
import { dayOf, type HistoryDay } from '../../core/history.ts';
import type { ProbeRecord } from '../../core/liveness.ts';
import type { AccessPoint } from '../../core/mirror.ts';
import type { Observations } from '../../core/observations.ts';
import { type ProbeStatus, STATUS_DAYS, type StatusDay, type VantageStatus } from '../../core/status.ts';

const MAX_REASON_CHARACTERS = 300;
const MAX_WARNINGS = 10;
const MAX_CHANGES = 10;
const DAY_S = 86_400;

/** A sentence that may quote what a mirror said, cut. */
export function bounded(reason: string): string {
  return reason.length > MAX_REASON_CHARACTERS ? `${reason.slice(0, MAX_REASON_CHARACTERS)}…` : reason;
}

/** What a probe says beside the state; null where it could not look. */
export function probeStatus({ url }: AccessPoint, record: ProbeRecord | null): ProbeStatus | null {
  if (record === null || record.liveness.checkedAtS === 0) return null;
  const { ipv4Up, ipv6Up, stampLagS, certificateValidToS, finalHost, warnings, history } = record;
  return {
    checkedAtS: record.liveness.checkedAtS,
    ...{ ipv4Up, ipv6Up, stampLagS, certificateValidToS },
    servedBy: URL.canParse(url) && finalHost === new URL(url).host ? '' : bounded(finalHost),
    warnings: warnings.slice(0, MAX_WARNINGS).map(bounded),
    changes: history
      .slice(-MAX_CHANGES)
      .reverse()
      .map((change) => ({ ...change, reason: bounded(change.reason) })),
  };
}

/** By name; none where only checks without a vantage looked. */
export function vantageStatuses({ vantages }: Observations): VantageStatus[] {
  const named = Object.entries(vantages).filter(([name]) => name !== '');
  return named
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { liveness, roundTripMs, cost }]) => ({
      name,
      state: liveness.checkedAtS === 0 ? 'not checked' : liveness.state,
      ...{ sinceS: liveness.sinceS, checkedAtS: liveness.checkedAtS, reason: bounded(liveness.reason) },
      ...{ roundTripMs, requests: cost.requests },
    }));
}

/** The days that the site shows; none of a clock that was ahead. */
export function recentDays(days: readonly HistoryDay[], record: ProbeRecord | null, nowMs: number): StatusDay[] {
  const oldest = dayOf(nowMs / 1000 - (STATUS_DAYS - 1) * DAY_S);
  const newest = dayOf(nowMs / 1000 + MAX_CLOCK_SKEW_S);
  return days
    .filter(({ day }) => day >= oldest && day <= newest)
    .map((day) => {
      const byChecks = day.checks === 0 ? 1 : day.checksUp / day.checks;
      const byProbes = record === null ? null : probedUpShare(record, Date.parse(day.day) / 1000);
      return { ...day, upShare: Math.min(byChecks, byProbes ?? 1) };
    });
}

/**
 * Of the time that the probes' changes of state tell of, on the day that begins then, the share in which it was up:
 * from the oldest change to the last probe. Null where they tell nothing of that day.
 */
export function probedUpShare({ history, liveness }: ProbeRecord, dayS: number): number | null {
  const endOfDayS = Math.min(dayS + DAY_S, liveness.checkedAtS);
  const spans = history.map(({ state, atS }, i) => {
    const untilS = history[i + 1]?.atS ?? Number.POSITIVE_INFINITY;
    return { state, lengthS: Math.max(0, Math.min(endOfDayS, untilS) - Math.max(dayS, atS)) };
  });
  const sum = (some: typeof spans) => some.reduce((total, { lengthS }) => total + lengthS, 0);
  const knownS = sum(spans);
  if (knownS > 0) return sum(spans.filter(({ state }) => state === 'up')) / knownS;
  const isDayOfOnlyProbe = liveness.checkedAtS >= dayS && liveness.checkedAtS < dayS + DAY_S;
  return isDayOfOnlyProbe ? Number(liveness.state === 'up') : null;
}
