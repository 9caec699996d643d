import { dayOf, type HistoryDay } from '../../core/history.ts';
import type { ProbeRecord } from '../../core/liveness.ts';
import type { AccessPoint } from '../../core/mirror.ts';
import type { Observations } from '../../core/observations.ts';
import { type ProbeStatus, STATUS_DAYS, type VantageStatus } from '../../core/status.ts';

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

/** The days that the site shows. */
export function recentDays(days: readonly HistoryDay[], nowMs: number): HistoryDay[] {
  const oldest = dayOf(nowMs / 1000 - (STATUS_DAYS - 1) * DAY_S);
  return days.filter(({ day }) => day >= oldest);
}
