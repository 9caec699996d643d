/** What the checks of one day (UTC) found of an access point. */
export interface HistoryDay {
  /** `YYYY-MM-DD`. */
  readonly day: string;
  /** The last check of the day, in seconds since 1970. */
  readonly checkedAtS: number;
  /** Share of the tree's objects known to be there at that check, 0 to 1. */
  readonly coverage: number;
  readonly checks: number;
  /** Of `checks`: those that found it up. */
  readonly checksUp: number;
  /** Behind the master, in seconds, as it was last known on that day; null = not known. */
  readonly lagS: number | null;
  readonly requests: number;
}

/** `output/history/<access point>.json` (docs/formats.md). */
export interface History {
  readonly version: 1;
  readonly accessPointId: string;
  /** The newest last; at most `MAX_HISTORY_DAYS`, days without a check are missing. */
  readonly days: readonly HistoryDay[];
}

export const MAX_HISTORY_DAYS = 400;

/** What one check found. */
export interface HistoryEntry {
  readonly atS: number;
  readonly coverage: number;
  /** Null = it was interrupted before it could tell, and does not count as a check. */
  readonly isUp: boolean | null;
  /** Null = not looked at. */
  readonly lagS: number | null;
  readonly requests: number;
}

export function emptyHistory(accessPointId: string): History {
  return { version: 1, accessPointId, days: [] };
}

/** The history with one more check, on the day of its time. */
export function addToHistory(history: History, { atS, coverage, isUp, lagS, requests }: HistoryEntry): History {
  const day = dayOf(atS);
  const [checks, checksUp] = [isUp === null ? 0 : 1, isUp === true ? 1 : 0];
  const entry = { day, checkedAtS: atS, coverage, checks, checksUp, lagS, requests };
  return { ...history, days: bounded([...history.days, entry]) };
}

/** The history with what a probe found: the lag of the day on which it did, where that day had a check. */
export function withLag(history: History, { atS, lagS }: { readonly atS: number; readonly lagS: number }): History {
  const probed = dayOf(atS);
  return { ...history, days: history.days.map((day) => (day.day === probed ? { ...day, lagS } : day)) };
}

/** The checks of several vantages at one access point as one history, in whatever order they are given. */
export function combinedHistory(accessPointId: string, histories: readonly History[]): History {
  return { version: 1, accessPointId, days: bounded(histories.flatMap(({ days }) => days)) };
}

/** `YYYY-MM-DD`, in UTC, of a time in seconds since 1970. */
export function dayOf(atS: number): string {
  return new Date(atS * 1000).toISOString().slice(0, 10);
}

/** One of each day, in order. The order in which they are given does not matter. */
function bounded(days: readonly HistoryDay[]): HistoryDay[] {
  const byDay = new Map<string, HistoryDay>();
  for (const one of [...days].sort(byAge)) {
    const older = byDay.get(one.day);
    byDay.set(one.day, older === undefined ? one : sameDay(older, one));
  }
  return [...byDay.values()].sort((a, b) => (a.day < b.day ? -1 : 1)).slice(-MAX_HISTORY_DAYS);
}

/** Of equally old ones that with more coverage counts as the older: the lower figure is to stand. */
function byAge(a: HistoryDay, b: HistoryDay): number {
  return a.checkedAtS - b.checkedAtS || b.coverage - a.coverage || (a.lagS ?? -1) - (b.lagS ?? -1);
}

function sameDay(older: HistoryDay, newer: HistoryDay): HistoryDay {
  return {
    day: newer.day,
    checkedAtS: newer.checkedAtS,
    coverage: newer.coverage,
    checks: older.checks + newer.checks,
    checksUp: older.checksUp + newer.checksUp,
    lagS: newer.lagS ?? older.lagS,
    requests: older.requests + newer.requests,
  };
}
