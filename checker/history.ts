import { FormatError } from '../core/errors.ts';
import { decodeHistory, encodeHistory } from '../core/formats/history-file.ts';
import { addToHistory, combinedHistory, emptyHistory, type History, withLag } from '../core/history.ts';
import { readFileOrNull, writeFileAtomic } from '../core/node/atomic-file.ts';
import { outputLayout } from '../core/output-layout.ts';
import type { AccessPointSummary } from './mirror-check.ts';

export interface HistoryOptions {
  readonly output: string;
  /** '' = none was told. */
  readonly vantage: string;
  readonly startedAtS: number;
  readonly accessPoints: readonly AccessPointSummary[];
  /** Seconds behind the master, by access point id; null = not known. */
  readonly lagS: (accessPointId: string) => number | null;
  readonly note: (line: string) => void;
}

/** Adds a run to the history of every access point that it asked. */
export function recordHistory(options: HistoryOptions): void {
  const { output, vantage, startedAtS, accessPoints, lagS, note } = options;
  for (const { accessPointId, coverage, state, isJudged, requests } of accessPoints) {
    const file = outputLayout.history(output, accessPointId, vantage);
    const isUp = isJudged ? state === 'up' : null;
    const entry = { atS: startedAtS, coverage, isUp, lagS: lagS(accessPointId), requests };
    const history = addToHistory(readHistory(file, note) ?? emptyHistory(accessPointId), entry);
    writeFileAtomic(file, encodeHistory(history), { durable: false });
  }
}

/** How far behind the master a probe found an access point, in seconds, and when. */
export interface ProbedLag {
  readonly accessPointId: string;
  readonly atS: number;
  readonly lagS: number;
}

/** Notes what the probes found on the days that have a check, in the history of them all. */
export function recordLags(output: string, lags: readonly ProbedLag[], note: (line: string) => void): void {
  for (const { accessPointId, ...lag } of lags) {
    const file = outputLayout.history(output, accessPointId);
    const before = readHistory(file, note);
    if (before === null) continue;
    const after = encodeHistory(withLag(before, lag));
    if (after !== encodeHistory(before)) writeFileAtomic(file, after, { durable: false });
  }
}

/**
 * Makes one history of those of the vantages. Days that only the file of them all knows stay as they are there; of
 * other days it alone has the probes' lag.
 */
export function mergeHistories(
  output: string,
  accessPointId: string,
  vantages: readonly string[],
  note: (line: string) => void,
): void {
  const read = (vantage: string) => readHistory(outputLayout.history(output, accessPointId, vantage), note);
  const histories = vantages.flatMap((vantage) => read(vantage) ?? []);
  if (histories.length === 0) return;
  const seen = new Set(histories.flatMap(({ days }) => days.map(({ day }) => day)));
  const days = (read('')?.days ?? []).map((day) =>
    seen.has(day.day) ? { ...day, checks: 0, checksUp: 0, requests: 0 } : day,
  );
  const older = { ...emptyHistory(accessPointId), days };
  const text = encodeHistory(combinedHistory(accessPointId, [older, ...histories]));
  writeFileAtomic(outputLayout.history(output, accessPointId), text, { durable: false });
}

function readHistory(file: string, note: (line: string) => void): History | null {
  const bytes = readFileOrNull(file);
  if (bytes === null) return null;
  try {
    return decodeHistory(bytes.toString('utf8'), file);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    note(`${error.message.replace(/;[^;]*$/, '')}; begun anew`);
    return null;
  }
}
