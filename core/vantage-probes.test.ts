import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ProbeRecord } from './liveness.ts';
import type { Liveness } from './observations.ts';
import { foldProbes, PROBE_WINDOW_S, probesOf, probeWithoutFuture } from './vantage-probes.ts';

const NOW_S = 100_000;
const STATES = ['up', 'failing', 'down'] as const;

function record(state: Liveness['state'], checkedAtS = NOW_S, more: Partial<ProbeRecord> = {}): ProbeRecord {
  const reason = state === 'up' ? '' : `is ${state}`;
  return {
    ...{ accessPointId: 'm.http', url: 'http://m/', liveness: { state, sinceS: checkedAtS - 100, checkedAtS, reason } },
    ...{ ipv4Up: state === 'up', ipv6Up: null, finalHost: 'm', stampLagS: null, certificateValidToS: null },
    ...{ warnings: [], knownObjects: [], history: [{ state, atS: checkedAtS - 100, reason }] },
    cost: { startedAtS: checkedAtS, elapsedMs: 5, requests: 4, connections: 1 },
    ...more,
  };
}

const anyRecord = fc
  .record({
    state: fc.constantFrom(...STATES),
    atS: fc.constantFrom(NOW_S - PROBE_WINDOW_S, NOW_S - 600, NOW_S - 1, NOW_S, NOW_S + 10, NOW_S * 3),
    stampLagS: fc.constantFrom(null, 1, 2),
    warnings: fc.subarray(['a', 'b']),
    history: fc.array(fc.record({ state: fc.constantFrom(...STATES), atS: fc.nat(9), reason: fc.constant('why') })),
  })
  .map(({ state, atS, history, ...more }) =>
    record(state, atS, {
      ...more,
      history: history.map((one, i) => ({ ...one, atS: NOW_S - 1000 + 10 * i + one.atS })),
    }),
  );
const anyReports = fc.dictionary(fc.constantFrom('eu', 'us', 'asia', ''), anyRecord, { minKeys: 1 });

/** As files are merged: what is dated in the future is left out, then all is folded, what was folded before too. */
function merged(...all: readonly (ProbeRecord | null)[]): ProbeRecord | null {
  const sound = all.flatMap((one) => (one === null ? [] : (probeWithoutFuture(one, NOW_S).record ?? [])));
  return sound.length === 0 ? null : foldProbes(sound.map((one) => probesOf(one)));
}

describe('folding what vantages probed', () => {
  test('is the same in any order, grouping and repetition, with wrong clocks among them', () => {
    fc.assert(
      fc.property(anyReports, anyReports, anyReports, (...reports) => {
        const [a, b, c] = reports.map((one) => foldProbes([one])) as [ProbeRecord, ProbeRecord, ProbeRecord];
        const all = merged(a, b, c);
        expect(merged(c, a, b)).toEqual(all);
        expect(merged(merged(a, b), c)).toEqual(all);
        expect(merged(a, merged(b, c))).toEqual(all);
        expect(merged(all, b, a, all)).toEqual(all);
        expect(JSON.parse(JSON.stringify(all))).toEqual(all);
        expect(all?.liveness.checkedAtS ?? 0).toBeLessThanOrEqual(NOW_S + 10);
      }),
      { numRuns: 500 },
    );
  });

  test('probes without a vantage stay as they are', () => {
    const [older, newer] = [record('down', NOW_S - 60), record('up')];
    expect(foldProbes([{ '': newer }, { '': older }])).toBe(newer);
  });

  const cases: [string, Record<string, ProbeRecord>, Liveness['state'], string][] = [
    [
      'cut off from one of three',
      { eu: record('up', NOW_S - 60), us: record('up', NOW_S - 60), '': record('down') },
      'up',
      '',
    ],
    ['down for two of three', { eu: record('down'), us: record('down'), '': record('up') }, 'down', 'eu: is down'],
    [
      'two saw it alive not half an hour ago',
      { eu: record('up', NOW_S - 1790), us: record('up', NOW_S - 1790), '': record('down') },
      'up',
      '',
    ],
    [
      'two saw it alive half an hour ago',
      { eu: record('up', NOW_S - 1810), us: record('up', NOW_S - 1810), '': record('down') },
      'down',
      'is down',
    ],
    ['one each way', { eu: record('up'), us: record('down') }, 'failing', 'us: is down'],
    [
      'those who saw it alive no longer probe',
      { eu: record('up', NOW_S - PROBE_WINDOW_S), us: record('down') },
      'down',
      'us: is down',
    ],
    ['nobody can probe it', { eu: record('failing', 0), us: record('failing', 0) }, 'failing', 'eu: is failing'],
  ];
  test.each(cases)('%s', (_, reports, state, reason) => {
    expect(foldProbes([reports]).liveness).toMatchObject({ state, reason });
  });

  test('tells the rest after those whose voice counts, the newest who knows first', () => {
    const eu = record('up', NOW_S - 60, { ipv6Up: false, stampLagS: 7, warnings: ['old stamp', 'slow'] });
    const us = record('down', NOW_S, { ipv6Up: true, certificateValidToS: 5, warnings: ['slow'] });
    const late = record('up', NOW_S - PROBE_WINDOW_S, { stampLagS: 99, warnings: ['gone'] });
    expect(foldProbes([{ eu, us, late }])).toMatchObject({
      ...{ ipv4Up: true, ipv6Up: true, stampLagS: 7, certificateValidToS: 5 },
      warnings: ['slow', 'eu: old stamp'],
      cost: { requests: 12 },
    });
  });

  test('the history is that of the vote', () => {
    const change = (state: Liveness['state'], atS: number) => ({ state, atS: NOW_S - atS, reason: '' });
    const eu = record('up', NOW_S, { history: [change('up', 900), change('down', 500), change('up', 300)] });
    const us = record('up', NOW_S, { history: [change('up', 800), change('down', 400), change('up', 200)] });
    const { history } = foldProbes([{ eu, us }]);
    expect(history.map(({ state, atS }) => [state, NOW_S - atS])).toEqual([
      ['up', 900],
      ['failing', 500],
      ['down', 400],
      ['failing', 300],
      ['up', 200],
    ]);
  });
});
