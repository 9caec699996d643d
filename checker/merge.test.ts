import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_CLOCK_SKEW_S } from '../core/clock.ts';
import { decodeObservations, emptyObservations, encodeObservations } from '../core/formats/observations-file.ts';
import { methodNumber, NO_METHOD, type Observations, Outcome, type VantageReport } from '../core/observations.ts';
import { LIVENESS_WINDOW_S, votedLiveness } from '../core/vantage-liveness.ts';
import { mergeObservations } from './merge.ts';

const COUNT = 4;
const NOW_S = 100_000;
const STATES = ['up', 'failing', 'down'] as const;

function report(state: (typeof STATES)[number], checkedAtS: number, more: Partial<VantageReport> = {}): VantageReport {
  const reason = state === 'up' ? '' : `is ${state}`;
  return {
    liveness: { state, sinceS: checkedAtS - 100, checkedAtS, reason },
    cost: { startedAtS: checkedAtS, elapsedMs: 5, requests: 10, connections: 2 },
    roundTripMs: 12.5,
    ...more,
  };
}

// Few values, so that ties and conflicts are the rule.
const timeS = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom(NOW_S + MAX_CLOCK_SKEW_S, NOW_S + MAX_CLOCK_SKEW_S + 1, NOW_S * 2) },
);
const cell = fc.record({
  evidence: fc.option(
    fc.record({
      outcome: fc.constantFrom(Outcome.present, Outcome.absent, Outcome.different),
      sizeBytes: fc.constantFrom(-1, 7, 8),
      atS: timeS,
      method: fc.constantFrom('http-head', 'rsync', 'rsync+sample', 'a new one'),
      ownCheckAtS: timeS,
    }),
  ),
  failure: fc.option(
    fc.record({ atS: timeS, reason: fc.constantFrom('no answer', 'answers 403', 'reset'), times: fc.nat(2) }),
  ),
});
const reports = fc.dictionary(
  fc.constantFrom('eu', 'us', ''),
  fc.record({
    state: fc.constantFrom(...STATES),
    checkedAtS: fc.constantFrom(1000, 1001, 1000 + LIVENESS_WINDOW_S / 2, 1000 + LIVENESS_WINDOW_S, NOW_S * 2),
    roundTripMs: fc.constantFrom(null, 1, 2),
  }),
);
/** Names that are in use and others, in any order. */
const methodTable = fc
  .uniqueArray(fc.constantFrom('rsync', 'a new one', 'http-head', 'sftp', 'ftp+sample'))
  .map((names) => [NO_METHOD, ...names]);
const observations = fc
  .tuple(fc.array(cell, { minLength: COUNT, maxLength: COUNT }), reports, methodTable)
  .map(([cells, vantages, methods]) => {
    const found = { ...emptyObservations('m.http', 'http://m/', COUNT, 0), methods: [...methods] };
    cells.forEach(({ evidence, failure }, id) => {
      if (evidence !== null) {
        found.outcome[id] = evidence.outcome;
        found.sizeBytes[id] = evidence.sizeBytes;
        found.evidenceAtS[id] = evidence.atS;
        found.method[id] = methodNumber(found.methods, evidence.method);
        found.ownCheckAtS[id] = evidence.ownCheckAtS;
      }
      if (failure !== null) {
        if (!found.failures.includes(failure.reason)) found.failures.push(failure.reason);
        found.failedAtS[id] = failure.atS;
        found.failedTimes[id] = failure.times;
        found.failure[id] = found.failures.indexOf(failure.reason);
      }
    });
    found.vantages = Object.fromEntries(
      Object.entries(vantages).map(([name, { state, checkedAtS, roundTripMs }]) => [
        name,
        report(state, checkedAtS, { roundTripMs }),
      ]),
    );
    return found;
  });

const merge = (...inputs: Observations[]) => mergeObservations(inputs, NOW_S);

describe('merging', () => {
  test('is the same in any order, grouping and repetition, and through files', () => {
    fc.assert(
      fc.property(observations, observations, observations, (a, b, c) => {
        const all = merge(a, b, c);
        expect(merge(b, a)).toEqual(merge(a, b));
        expect(merge(c, a, b)).toEqual(all);
        expect(merge(merge(a, b), c)).toEqual(all);
        expect(merge(a, merge(b, c))).toEqual(all);
        expect(merge(a, a, b, c, b)).toEqual(all);
        expect(merge(all)).toEqual(all);
        expect(merge(all, a)).toEqual(all);
        expect(decodeObservations(encodeObservations(all), COUNT, 'x')).toEqual(all);
      }),
      { numRuns: 300 },
    );
  });

  test('nothing that is dated in the future gets in', () => {
    const latestS = NOW_S + MAX_CLOCK_SKEW_S;
    fc.assert(
      fc.property(observations, observations, (a, b) => {
        const { evidenceAtS, failedAtS, ownCheckAtS, liveness, vantages } = merge(a, b);
        const reports = Object.values(vantages).map((report) => report.liveness.checkedAtS);
        const times = [...evidenceAtS, ...failedAtS, ...ownCheckAtS, liveness.checkedAtS, ...reports];
        expect(Math.max(...times)).toBeLessThanOrEqual(latestS);
      }),
    );
  });

  test('changes none of its inputs', () => {
    fc.assert(
      fc.property(observations, observations, (a, b) => {
        const before = structuredClone([a, b]);
        merge(a, b);
        expect([a, b]).toEqual(before);
      }),
    );
  });

  const known = (change: (found: Observations) => void) => {
    const found = emptyObservations('m.http', 'http://m/', COUNT, 0);
    change(found);
    return found;
  };
  const proven = (outcome: number, sizeBytes: number, atS: number) =>
    known((found) => {
      found.outcome[1] = outcome;
      found.sizeBytes[1] = sizeBytes;
      found.evidenceAtS[1] = atS;
      found.method[1] = 1;
    });

  test('keeps the newest evidence of each object, and in the same second the doubt', () => {
    const newer = merge(proven(Outcome.absent, -1, 5), proven(Outcome.present, 7, 6));
    expect([newer.outcome[1], newer.sizeBytes[1], newer.evidenceAtS[1]]).toEqual([Outcome.present, 7, 6]);
    expect(merge(proven(Outcome.absent, -1, 6), proven(Outcome.present, 7, 6)).outcome[1]).toBe(Outcome.absent);
    expect(merge(proven(Outcome.different, 9, 6), proven(Outcome.present, 7, 6)).outcome[1]).toBe(Outcome.different);
  });

  test('evidence of a clock that is a year ahead gives way to what others found', () => {
    const yearAhead = proven(Outcome.present, 7, NOW_S + 365 * 86_400);
    expect(merge(yearAhead, proven(Outcome.absent, -1, 5)).outcome[1]).toBe(Outcome.absent);
    expect(merge(yearAhead).outcome[1]).toBe(Outcome.none);
    // Clocks differ a little.
    expect(merge(proven(Outcome.present, 7, NOW_S + 60), proven(Outcome.absent, -1, NOW_S)).outcome[1]).toBe(1);
  });

  test('keeps a failure only where it is newer than the evidence', () => {
    const failed = known((found) => {
      found.failedAtS[1] = 6;
      found.failures.push('reset');
    });
    const kept = merge(proven(Outcome.present, 7, 5), failed);
    expect([kept.outcome[1], kept.failedAtS[1], kept.failures]).toEqual([Outcome.present, 6, ['reset']]);
    const dropped = merge(proven(Outcome.present, 7, 6), failed);
    expect([dropped.failedAtS[1], dropped.failures]).toEqual([0, []]);
  });

  test('keeps the name of what won the evidence, whatever its number was; of the same second the name that sorts last', () => {
    const by = (atS: number, method: string, methods: readonly string[]) => {
      const found = { ...proven(Outcome.present, 7, atS), methods: [...methods] };
      found.method[1] = methods.indexOf(method);
      return found;
    };
    const [older, newer] = [by(5, 'ftp', ['none', 'ftp']), by(6, 'http-head', ['none', 'rsync', 'http-head'])];
    const nameIn = ({ method, methods }: Observations) => methods[method[1] as number];
    expect([nameIn(merge(older, newer)), merge(newer, older).methods]).toEqual(['http-head', ['none', 'http-head']]);
    const tied = by(6, 'rsync+sample', ['none', 'rsync+sample']);
    expect([nameIn(merge(newer, tied)), nameIn(merge(tied, newer))]).toEqual(['rsync+sample', 'rsync+sample']);
  });

  test('has room for more reasons than a file', () => {
    const reasons = (from: number) => {
      const found = emptyObservations('m.http', 'http://m/', 400, 0);
      for (let i = 0; i < 200; i++) {
        found.failures.push(`reason ${from + i}`);
        found.failedAtS[from + i] = 9;
        found.failure[from + i] = i;
      }
      return found;
    };
    const { failures, failure } = merge(reasons(0), reasons(200));
    expect([failures.length, failures[255]]).toEqual([256, 'other']);
    expect(failures[failure[0]!]).toBe('reason 0');
    expect(failures[failure[99]!]).toBe('other');
  });

  test('keeps the round-trip times of every vantage', () => {
    const of = (name: string, roundTripMs: number) =>
      known((found) => {
        found.vantages = { [name]: report('up', 1000, { roundTripMs }) };
      });
    const { vantages, cost } = merge(of('eu', 12), of('asia', 180.5));
    expect(Object.entries(vantages).map(([name, { roundTripMs }]) => [name, roundTripMs])).toEqual([
      ['asia', 180.5],
      ['eu', 12],
    ]);
    expect(cost).toEqual({ startedAtS: 1000, elapsedMs: 5, requests: 20, connections: 4 });
  });
});

describe('what several vantages say of an access point', () => {
  const now = 100_000;
  test.each([
    ['one that is up', { eu: report('up', now) }, 'up', ''],
    ['two of three', { eu: report('up', now), us: report('up', now), asia: report('down', now) }, 'up', ''],
    ['one of two', { eu: report('up', now), us: report('down', now) }, 'failing', 'us: is down'],
    [
      'most are down',
      { eu: report('down', now), us: report('down', now), asia: report('up', now) },
      'down',
      'eu: is down',
    ],
    ['a newer one against an older one', { eu: report('up', now), us: report('down', now - 3600) }, 'up', ''],
    [
      'two older ones against a newer one',
      { eu: report('up', now), us: report('down', now - 3600), asia: report('down', now - 3600) },
      'down',
      'asia: is down',
    ],
    [
      'one whose report is too old',
      { eu: report('down', now), us: report('up', now - LIVENESS_WINDOW_S) },
      'down',
      'eu: is down',
    ],
    ['a check without a vantage', { '': report('failing', now) }, 'failing', 'is failing'],
  ])('%s', (_, vantages, state, reason) => {
    expect(votedLiveness(vantages)).toMatchObject({ state, reason, checkedAtS: now });
  });

  test('has been so since the last of them joined', () => {
    const since = (sinceS: number) => ({ liveness: { state: 'up', sinceS, checkedAtS: now, reason: '' } as const });
    expect(votedLiveness({ eu: report('up', now, since(10)), us: report('up', now, since(70)) }).sinceS).toBe(70);
  });

  test('holds where one of them does, unless they find it up together', () => {
    const held = { liveness: { state: 'down', sinceS: 1, checkedAtS: now, reason: 'lies', holds: true } as const };
    const [eu, asia] = [report('up', now), report('up', now)];
    expect(votedLiveness({ eu, us: report('down', now, held) })).toMatchObject({ state: 'failing', holds: true });
    expect(votedLiveness({ eu, asia, us: report('down', now, held) }).holds).toBeUndefined();
  });

  test('is nothing yet without reports', () => {
    expect(votedLiveness({})).toEqual({ state: 'failing', sinceS: 0, checkedAtS: 0, reason: 'not checked yet' });
  });
});
