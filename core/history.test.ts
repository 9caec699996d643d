import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from './errors.ts';
import { decodeHistory, encodeHistory } from './formats/history-file.ts';
import {
  addToHistory,
  combinedHistory,
  emptyHistory,
  type HistoryEntry,
  MAX_HISTORY_DAYS,
  withLag,
} from './history.ts';

const NOON_S = Date.UTC(2026, 6, 1, 12) / 1000;
const DAY_S = 86_400;
const entry = (atS: number, more: Partial<HistoryEntry> = {}): HistoryEntry => {
  return { atS, coverage: 0.5, isUp: true, lagS: null, requests: 10, ...more };
};

describe('a history', () => {
  it('adds the checks of a day up, and keeps what the last of them found', () => {
    const checks = [
      entry(NOON_S, { lagS: 600 }),
      entry(NOON_S + 3600, { coverage: 0.75, isUp: false }),
      entry(NOON_S - 3600, { coverage: 0.1 }),
      entry(NOON_S + DAY_S),
    ];
    expect(checks.reduce(addToHistory, emptyHistory('m.http')).days).toEqual([
      { day: '2026-07-01', checkedAtS: NOON_S + 3600, coverage: 0.75, checks: 3, checksUp: 2, lagS: 600, requests: 30 },
      {
        day: '2026-07-02',
        checkedAtS: NOON_S + DAY_S,
        coverage: 0.5,
        checks: 1,
        checksUp: 1,
        lagS: null,
        requests: 10,
      },
    ]);
  });

  it('does not count a check that was interrupted before it could tell', () => {
    const checks = [entry(NOON_S), entry(NOON_S + 60, { isUp: null, coverage: 0.6 })];
    expect(checks.reduce(addToHistory, emptyHistory('m.http')).days).toMatchObject([
      { checks: 1, checksUp: 1, coverage: 0.6, requests: 20 },
    ]);
  });

  it('is bounded: the oldest days go', () => {
    let history = emptyHistory('m.http');
    for (let day = 0; day < MAX_HISTORY_DAYS + 30; day++) history = addToHistory(history, entry(NOON_S + day * DAY_S));
    expect(history.days).toHaveLength(MAX_HISTORY_DAYS);
    expect(history.days[0]?.checkedAtS).toBe(NOON_S + 30 * DAY_S);
  });

  it("takes a probe's lag on the day of the probe, where that had a check", () => {
    const days = [entry(NOON_S, { lagS: 600 }), entry(NOON_S + DAY_S)].reduce(addToHistory, emptyHistory('m.http'));
    const lags = (atS: number) => withLag(days, { atS, lagS: 60 }).days.map(({ lagS }) => lagS);
    expect(lags(NOON_S + 3600)).toEqual([60, null]);
    expect(lags(NOON_S + DAY_S)).toEqual([600, 60]);
    expect(lags(NOON_S + 2 * DAY_S)).toEqual([600, null]);
  });

  it('of several vantages is the same in any order', () => {
    const some = fc.array(
      fc.record({
        atS: fc.integer({ min: 0, max: 5 }).map((half) => NOON_S + half * (DAY_S / 2)),
        coverage: fc.constantFrom(0, 0.5, 1),
        isUp: fc.boolean(),
        lagS: fc.constantFrom(null, 60, 120),
        requests: fc.integer({ min: 0, max: 9 }),
      }),
      { maxLength: 6 },
    );
    const history = some.map((entries) => entries.reduce(addToHistory, emptyHistory('m.http')));
    fc.assert(
      fc.property(history, history, history, (a, b, c) => {
        expect(combinedHistory('m.http', [c, a, b])).toEqual(combinedHistory('m.http', [a, b, c]));
      }),
    );
  });

  it('survives its file, and nothing else passes for one', () => {
    const history = addToHistory(emptyHistory('m.http'), entry(NOON_S));
    expect(decodeHistory(encodeHistory(history), 'x.json')).toEqual(history);
    for (const text of ['', '{', 'null', '{"version":2}']) {
      expect(() => decodeHistory(text, 'x.json')).toThrow(FormatError);
    }
  });
});
