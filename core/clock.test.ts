import { expect, test } from 'vitest';
import { isFuture, MAX_CLOCK_SKEW_S, skewNote, toldOnce, withoutFuture } from './clock.ts';
import { emptyObservations } from './formats/observations-file.ts';
import { Outcome } from './observations.ts';

const NOW_S = 1_800_000_000;
const YEAR_S = 365 * 86_400;

function known(...times: readonly number[]) {
  const found = emptyObservations('m.http', 'http://m/', times.length, 0);
  times.forEach((atS, id) => {
    found.outcome[id] = Outcome.present;
    found.sizeBytes[id] = 7;
    found.evidenceAtS[id] = atS;
    found.ownCheckAtS[id] = atS;
    found.method[id] = 1;
  });
  return found;
}

test('the future begins an hour from now: clocks differ a little', () => {
  expect([NOW_S, NOW_S + MAX_CLOCK_SKEW_S, NOW_S + 3601].map((atS) => isFuture(atS, NOW_S))).toEqual([
    false,
    false,
    true,
  ]);
});

test('observations without a future are the very same; else a copy without it', () => {
  const sound = known(NOW_S - 5, NOW_S + 60);
  expect(withoutFuture(sound, NOW_S)).toEqual({ observations: sound, skew: null });
  expect(withoutFuture(sound, NOW_S).observations).toBe(sound);
  const skewed = known(NOW_S - 5, NOW_S + YEAR_S);
  skewed.failures.push('reset');
  skewed.failedAtS[0] = NOW_S + YEAR_S + 9;
  const before = structuredClone(skewed);
  const { observations, skew } = withoutFuture(skewed, NOW_S);
  expect(skewed).toEqual(before);
  expect(skew).toEqual({ vantages: [], aheadS: YEAR_S + 9 });
  const { outcome, sizeBytes, evidenceAtS, ownCheckAtS, method, failedAtS } = observations;
  expect([outcome, sizeBytes, evidenceAtS, ownCheckAtS, method, failedAtS].map((column) => [...column])).toEqual([
    [Outcome.present, Outcome.none],
    [7, -1],
    [NOW_S - 5, 0],
    [NOW_S - 5, 0],
    [1, 0],
    [0, 0],
  ]);
});

test('a report from the future has no voice, and its vantage is named', () => {
  const found = known(NOW_S);
  const report = (state: 'up' | 'down', checkedAtS: number) => ({
    liveness: { state, sinceS: 1, checkedAtS, reason: state },
    cost: { startedAtS: checkedAtS, elapsedMs: 1, requests: 2, connections: 1 },
    roundTripMs: null,
  });
  found.vantages = { asia: report('up', NOW_S + YEAR_S), eu: report('down', NOW_S - 7200) };
  found.liveness = { ...report('up', NOW_S + YEAR_S).liveness };
  const { observations, skew } = withoutFuture(found, NOW_S);
  expect(Object.keys(observations.vantages)).toEqual(['eu']);
  expect(observations.liveness).toMatchObject({ state: 'down', checkedAtS: NOW_S - 7200 });
  expect(observations.cost.requests).toBe(2);
  expect(skewNote('observations', skew!)).toMatch(/^observations: vantage "asia": its clock is 365 days ahead; /);
  expect(skewNote('here', { vantages: [''], aheadS: 7300 })).toMatch(/^here: its clock is 2 hours ahead; /);
});

test('each sentence is told once', () => {
  const lines: string[] = [];
  const note = toldOnce((line) => lines.push(line));
  for (const line of ['a', 'b', 'a']) note(line);
  expect(lines).toEqual(['a', 'b']);
});
