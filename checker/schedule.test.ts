import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyObservations } from '../core/formats/observations-file.ts';
import type { LoadedInventory } from '../core/inventory.ts';
import { type MethodName, methodNumber, type Observations, Outcome } from '../core/observations.ts';
import { PHASES, type PhaseName, pauseS, type ScheduleInput, schedule } from './schedule.ts';
import { testInventory } from './testing/inventory.ts';

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;
const PERIOD_S = 7 * DAY_S;
const EXPIRY_S = 14 * DAY_S;
const START_S = 1_800_000_000;

function tree(count: number): LoadedInventory {
  const inventory = testInventory(Array.from({ length: count }, (_, i) => ({ path: `distfiles/f${i}`, sizeBytes: 7 })));
  inventory.firstSeenS.fill(START_S);
  return inventory;
}

function allOf({ paths }: LoadedInventory): Int32Array {
  return Int32Array.from(paths, (_, id) => id);
}

/** As an access point's recorder writes it. */
function prove(known: Observations, id: number, method: MethodName, atS: number, outcome: number = Outcome.present) {
  known.outcome[id] = outcome;
  known.sizeBytes[id] = outcome === Outcome.present ? 7 : -1;
  known.evidenceAtS[id] = atS;
  known.method[id] = methodNumber(known.methods, method);
  const isTakenOver = /^http-listing|\+sample$/.test(method);
  if (!isTakenOver || known.ownCheckAtS[id] === 0) known.ownCheckAtS[id] = atS;
  known.failedAtS[id] = 0;
  known.failedTimes[id] = 0;
}

function fail(known: Observations, id: number, atS: number, times = known.failedTimes[id]! + 1) {
  known.failedAtS[id] = atS;
  known.failedTimes[id] = Math.min(255, times);
}

function due(inventory: LoadedInventory, observations: Observations, nowS: number, more: Partial<ScheduleInput> = {}) {
  const { phases } = schedule({
    ...{ inventory, observations, nowS, objectIds: allOf(inventory), accessPointId: 'm.http', scope: 'object' },
    ...{ periodS: PERIOD_S, expiryS: EXPIRY_S, only: 'all' },
    ...more,
  } as ScheduleInput);
  return Object.fromEntries(phases.map(({ name, objectIds }) => [name, [...objectIds]])) as Record<PhaseName, number[]>;
}

/** One object, seen first a year ago. */
function one(change: (known: Observations, inventory: LoadedInventory) => void, nowS = START_S) {
  const inventory = tree(1);
  inventory.firstSeenS.fill(START_S - 365 * DAY_S);
  const known = emptyObservations('m.http', 'http://m/', 1, 0);
  change(known, inventory);
  const phases = due(inventory, known, nowS);
  return PHASES.find((name) => phases[name].length > 0) ?? 'nothing';
}

describe('an object is due as', () => {
  test('new, where it was never asked for', () => {
    expect(one(() => {})).toBe('new');
  });

  test('new, where it has changed on the master since it was proven', () => {
    const change = (known: Observations, inventory: LoadedInventory) => {
      prove(known, 0, 'http-head', START_S - 10);
      inventory.sizeBytes[0] = 8;
    };
    expect(one(change)).toBe('new');
  });

  test('nothing, where it was proven a moment ago', () => {
    expect(one((known) => prove(known, 0, 'http-head', START_S - 10))).toBe('nothing');
    expect(one((known) => prove(known, 0, 'rsync+sample', START_S - 10, Outcome.absent))).toBe('nothing');
  });

  test('failed, where the last check proved nothing, with or without older evidence', () => {
    expect(one((known) => fail(known, 0, START_S - 10, 0))).toBe('failed');
    const both = (known: Observations) => {
      prove(known, 0, 'http-head', START_S - 20 * DAY_S);
      fail(known, 0, START_S - 10, 0);
    };
    expect(one(both)).toBe('failed');
  });

  test('failed, after a pause that doubles each time, up to its turn in the period', () => {
    const since = (times: number, pauseS: number, change: (known: Observations) => void = () => {}) =>
      one((known) => {
        change(known);
        fail(known, 0, START_S - pauseS, times);
      });
    const pauses: [times: number, minutes: number][] = [
      ...([1, 2, 3, 4] as const).map((times): [number, number] => [times, 10 * 2 ** (times - 1)]),
      ...([11, 100, 255] as const).map((times): [number, number] => [times, (PERIOD_S / 60) * 0.875]),
    ];
    for (const [times, minutes] of pauses) {
      expect([times, since(times, minutes * 60 - 1), since(times, minutes * 60)]).toEqual([times, 'nothing', 'failed']);
      expect(pauseS(times, PERIOD_S)).toBe(minutes * 60);
    }
    const expired = (known: Observations) => prove(known, 0, 'http-head', START_S - 20 * DAY_S);
    expect([since(3, 60, expired), since(3, 3600, expired)]).toEqual(['nothing', 'failed']);
    // What all are asked for, whether it is their turn or not.
    const fully = (times: number) => {
      const known = emptyObservations('m.http', 'http://m/', 1, 0);
      fail(known, 0, START_S, times);
      return due(tree(1), known, START_S + 1, { periodS: 1 }).failed;
    };
    expect(fully(9)).toEqual([0]);
  });

  test('new, where it has changed on the master since it failed', () => {
    const change = (modifiedS: number) => (known: Observations, inventory: LoadedInventory) => {
      fail(known, 0, START_S - 10, 9);
      inventory.mtimeS[0] = modifiedS;
    };
    expect(one(change(START_S - 11))).toBe('nothing');
    expect(one(change(START_S - 9))).toBe('new');
    expect(one(change(START_S + DAY_S))).toBe('nothing');
  });

  test('expired, where its evidence is older than the expiry', () => {
    expect(one((known) => prove(known, 0, 'http-head', START_S - EXPIRY_S))).not.toBe('expired');
    expect(one((known) => prove(known, 0, 'http-head', START_S - EXPIRY_S - 1))).toBe('expired');
  });

  test('rolling, where a check of its own is a period old, however often listings have shown it since', () => {
    const listed = (known: Observations) => {
      prove(known, 0, 'http-head', START_S - PERIOD_S);
      for (const method of ['rsync+sample', 'http-listing', 'http-listing+sample', 'ftp+sample'] as const) {
        prove(known, 0, method, START_S - 10);
      }
    };
    expect(one(listed)).toBe('rolling');
    expect(one((known) => prove(known, 0, 'rsync+sample', START_S - PERIOD_S))).toBe('rolling');
    const since = (known: Observations) => {
      listed(known);
      prove(known, 0, 'http-head', START_S - 5);
    };
    expect(one(since)).toBe('nothing');
  });

  test('new again as its age doubles, where it is young and not there yet', () => {
    const absent =
      (hours: number, outcome: number = Outcome.absent) =>
      (known: Observations, inventory: LoadedInventory) => {
        inventory.firstSeenS[0] = START_S;
        prove(known, 0, 'http-head', START_S + hours * HOUR_S, outcome);
      };
    expect(one(absent(3), START_S + 5 * HOUR_S)).toBe('nothing');
    expect(one(absent(3), START_S + 6 * HOUR_S)).toBe('new');
    expect(one(absent(3, Outcome.different), START_S + 6 * HOUR_S)).toBe('new');
    expect(one(absent(3, Outcome.present), START_S + 6 * HOUR_S)).toBe('nothing');
    const modified = (known: Observations, inventory: LoadedInventory) => {
      inventory.mtimeS[0] = START_S;
      prove(known, 0, 'http-head', START_S + HOUR_S, Outcome.different);
    };
    expect(one(modified, START_S + 2 * HOUR_S)).toBe('new');
    const fromTheFuture = (known: Observations, inventory: LoadedInventory) => {
      modified(known, inventory);
      inventory.mtimeS[0] = START_S + 90 * DAY_S;
    };
    expect(one(fromTheFuture, START_S + 2 * HOUR_S)).toBe('nothing');
  });

  test('removed, until it is proven absent, then never again', () => {
    const removed = (provenAtS: number, outcome: number) => (known: Observations, inventory: LoadedInventory) => {
      inventory.removedAtS[0] = START_S;
      prove(known, 0, 'http-head', provenAtS, outcome);
    };
    expect(one(removed(START_S - 10, Outcome.present), START_S + 60)).toBe('removed');
    expect(one(removed(START_S - 10, Outcome.absent), START_S + 60)).toBe('removed');
    expect(one(removed(START_S + 10, Outcome.present), START_S + DAY_S)).toBe('nothing');
    expect(one(removed(START_S + 10, Outcome.present), START_S + DAY_S + 10)).toBe('removed');
    expect(one(removed(START_S + 2 * DAY_S, Outcome.present), START_S + 4 * DAY_S - 1)).toBe('nothing');
    expect(one(removed(START_S + 2 * DAY_S, Outcome.present), START_S + 4 * DAY_S)).toBe('removed');
    expect(one(removed(START_S + 10, Outcome.absent), START_S + HOUR_S)).toBe('nothing');
    expect(one(removed(START_S + 10, Outcome.absent), START_S + 900 * DAY_S)).toBe('nothing');
    const failing = (times: number) => (known: Observations, inventory: LoadedInventory) => {
      inventory.removedAtS[0] = START_S;
      fail(known, 0, START_S, times);
    };
    expect([one(failing(1), START_S + DAY_S - 1), one(failing(9), START_S + DAY_S)]).toEqual(['nothing', 'removed']);
    // A mirror that keeps it for ever is asked once in a period.
    expect(one(removed(START_S + 30 * DAY_S, Outcome.present), START_S + 30 * DAY_S + 60)).toBe('nothing');
    expect(one(removed(START_S + 30 * DAY_S, Outcome.present), START_S + 37 * DAY_S)).toBe('removed');
  });
});

describe('a schedule', () => {
  test('holds each object once at most, ascending, with the phases that were asked for', () => {
    const inventory = tree(2000);
    const known = emptyObservations('m.http', 'http://m/', 2000, 0);
    for (let id = 0; id < 2000; id++) {
      if (id % 10 === 1) known.failedAtS[id] = START_S;
      if (id % 10 > 1) prove(known, id, 'http-head', START_S - (id % 20) * DAY_S);
      if (id % 17 === 0) inventory.removedAtS[id] = START_S - 5;
    }
    const all = due(inventory, known, START_S);
    const ids = Object.values(all).flat();
    expect(Object.keys(all)).toEqual([...PHASES]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const name of PHASES) {
      expect(all[name].length).toBeGreaterThan(10);
      expect(all[name]).toEqual([...all[name]].sort((a, b) => a - b));
    }
    expect(due(inventory, known, START_S, { only: 'new' })).toEqual({ new: all.new });
    expect(due(inventory, known, START_S, { only: 'expired' })).toEqual({ expired: all.expired, failed: all.failed });
    expect(due(inventory, known, START_S, { objectIds: Int32Array.of(0, 10, 11) }).new).toEqual([10]);
  });

  test('spreads turns: each run re-validates the share that its time is of seven eighths of the period', () => {
    const inventory = tree(20_000);
    const known = emptyObservations('m.http', 'http://m/', 20_000, 0);
    for (let id = 0; id < 20_000; id++) prove(known, id, 'http-head', START_S);
    inventory.firstSeenS.fill(0);
    for (const hours of [2, 5, 24, 72]) {
      const share = due(inventory, known, START_S + hours * HOUR_S).rolling.length / 20_000;
      expect(Math.abs(share / ((hours * HOUR_S) / (PERIOD_S * 0.875)) - 1)).toBeLessThan(0.15);
    }
    const first = due(inventory, known, START_S + 5 * HOUR_S).rolling;
    const elsewhere = due(inventory, known, START_S + 5 * HOUR_S, { accessPointId: 'n.http' }).rolling;
    expect(elsewhere.filter((id) => first.includes(id)).length).toBeLessThan(first.length / 5);
  });

  test('of an access point that is listed has the turn of all objects come at once', () => {
    const inventory = tree(100);
    inventory.firstSeenS.fill(0);
    const known = emptyObservations('m.rsync', 'rsync://m/', 100, 0);
    for (let id = 0; id < 100; id++) prove(known, id, 'rsync', START_S);
    const counts = [];
    for (let hours = 0; hours <= 7 * 24; hours++) {
      counts.push(due(inventory, known, START_S + hours * HOUR_S, { scope: 'tree' }).rolling.length);
    }
    expect(new Set(counts)).toEqual(new Set([0, 100]));
  });
});

describe('runs at any intervals of at most a tenth of the period', () => {
  const gaps = fc.array(fc.integer({ min: 1, max: PERIOD_S / 10 }), { minLength: 30, maxLength: 60 });

  test('never let the last check of its own of any object get older than the period', () => {
    const settings = fc.record({ gaps, listEvery: fc.integer({ min: 2, max: 9 }), salt: fc.string({ maxLength: 8 }) });
    fc.assert(
      fc.property(settings, ({ gaps, listEvery, salt }) => {
        const count = 200;
        const inventory = tree(count);
        inventory.firstSeenS.fill(START_S - 90 * DAY_S);
        const known = emptyObservations(salt, 'http://m/', count, 0);
        // What an observer would remember: the object's last own check, or when it was first known at all.
        const lastOwnS = new Float64Array(count).fill(START_S);
        let nowS = START_S;
        for (let id = 0; id < count; id++) prove(known, id, id % 3 === 0 ? 'http-head' : 'rsync+sample', nowS);
        gaps.forEach((gapS, run) => {
          nowS += gapS;
          // As old as they ever get: just before the run.
          expect(Math.max(...lastOwnS.map((atS) => nowS - atS))).toBeLessThanOrEqual(PERIOD_S);
          // A listing renews the evidence of everything; it must not put off the checks of their own.
          if (run % listEvery === 0) for (let id = 0; id < count; id++) prove(known, id, 'rsync+sample', nowS);
          for (const id of Object.values(due(inventory, known, nowS, { accessPointId: salt })).flat()) {
            prove(known, id, 'http-head', nowS);
            lastOwnS[id] = nowS;
          }
        });
      }),
      { numRuns: 60 },
    );
  });

  test('hold back what fails no longer than it has failed, never beyond the period, and ask for it ever more seldom', () => {
    const count = 10;
    const outages = fc.array(fc.tuple(fc.nat(29), fc.nat(30)), { minLength: count, maxLength: count });
    fc.assert(
      fc.property(gaps, outages, (gaps, outages) => {
        const inventory = tree(count);
        const known = emptyObservations('m.http', 'http://m/', count, 0);
        const [failedFromS, provableFromS, asked] = Array.from({ length: 3 }, () => new Float64Array(count)) as [
          ...[Float64Array, Float64Array, Float64Array],
        ];
        let nowS = START_S;
        gaps.forEach((gapS, run) => {
          nowS += gapS;
          const dueNow = new Set(Object.values(due(inventory, known, nowS)).flat());
          outages.forEach(([from, runs], id) => {
            const isOut = run >= from && run < from + runs;
            if (!isOut) provableFromS[id] ||= nowS;
            if (dueNow.has(id) && !isOut) {
              prove(known, id, 'http-head', nowS);
              asked[id] = 0;
            } else if (dueNow.has(id)) {
              provableFromS[id] = 0;
              if (asked[id]!++ === 0) failedFromS[id] = nowS;
              fail(known, id, nowS);
              const spanS = nowS - failedFromS[id]!;
              expect(asked[id]).toBeLessThanOrEqual(1 + Math.log2(1 + spanS / 600) + spanS / (PERIOD_S * 0.875));
            } else if (known.failedAtS[id] !== 0) {
              const failedAtS = known.failedAtS[id]!;
              expect(nowS - failedAtS).toBeLessThan(600 + failedAtS - failedFromS[id]!);
              if (!isOut) expect(nowS - provableFromS[id]!).toBeLessThan(PERIOD_S);
            }
          });
        });
      }),
      { numRuns: 200 },
    );
  });

  test('ask for what was removed at once, ever more seldom while it is still there, and once in a period at least', () => {
    const count = 10;
    const goneAfter = fc.array(fc.nat(60), { minLength: count, maxLength: count });
    fc.assert(
      fc.property(gaps, goneAfter, (gaps, goneAfter) => {
        const inventory = tree(count);
        inventory.firstSeenS.fill(START_S - 90 * DAY_S);
        const known = emptyObservations('m.http', 'http://m/', count, 0);
        for (let id = 0; id < count; id++) prove(known, id, 'http-head', START_S - DAY_S);
        inventory.removedAtS.fill(START_S);
        const asked = Array.from({ length: count }, (): number[] => []);
        let nowS = START_S;
        gaps.forEach((gapS, run) => {
          nowS += gapS;
          const { removed } = due(inventory, known, nowS);
          if (run === 0) expect(removed).toHaveLength(count);
          for (const id of removed) {
            asked[id]!.push(nowS);
            const outcome = run < goneAfter[id]! ? Outcome.present : Outcome.absent;
            if (id % 3 === 0 && outcome === Outcome.present) fail(known, id, nowS);
            else prove(known, id, 'http-head', nowS, outcome);
          }
          asked.forEach((times, id) => {
            const isGone = known.outcome[id] === Outcome.absent;
            if (!isGone) expect(nowS - times.at(-1)!).toBeLessThan(PERIOD_S);
            if (isGone) expect(times.at(-1)).toBe(known.evidenceAtS[id]);
            const days = (nowS - START_S) / DAY_S;
            // Once at first, then after a day, two, four and so on, then in its turn.
            expect(times.length).toBeLessThanOrEqual(2 + Math.log2(Math.max(1, Math.min(days, 7))) + days / 6);
            const [last = 0, before = 0] = times.toReversed();
            const isYoung = last - START_S < PERIOD_S;
            if (isYoung && times.length > 1) expect(last - before).toBeGreaterThanOrEqual(DAY_S);
          });
        });
      }),
      { numRuns: 200 },
    );
  });

  test('catch up after runs whose budget was spent on more important work', () => {
    fc.assert(
      fc.property(gaps, fc.integer({ min: 0, max: 150 }), (gaps, budget) => {
        const inventory = tree(300);
        const known = emptyObservations('m.http', 'http://m/', 300, 0);
        let nowS = START_S;
        for (const gapS of gaps) {
          nowS += gapS;
          const phases = due(inventory, known, nowS);
          const queue = PHASES.flatMap((name) => phases[name].map((id) => ({ name, id })));
          const done = queue.slice(0, budget);
          const left = queue.slice(budget);
          // Under any budget, nothing of a later phase is done before all of an earlier one.
          if (done.length > 0 && left.length > 0) {
            expect(PHASES.indexOf(done.at(-1)!.name)).toBeLessThanOrEqual(PHASES.indexOf(left[0]!.name));
          }
          for (const { id } of done) prove(known, id, 'http-head', nowS);
          const after = due(inventory, known, nowS);
          // Nothing that was done is due again, nothing that was left is forgotten.
          expect(Object.values(after).flat().sort()).toEqual(left.map(({ id }) => id).sort());
        }
      }),
      { numRuns: 60 },
    );
  });
});
