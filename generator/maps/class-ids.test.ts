import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ClassIds,
  namedHolders,
  numberSets,
  type PresenceClass,
  RETIRE_AFTER_S,
  REUSE_AFTER_S,
} from './class-ids.ts';

const NOW_S = 1_800_000_000;
const HOUR_S = 3_600;
/** A build of these sets, each of one object. */
const build = (sets: readonly PresenceClass[], previous: ClassIds | null, nowS: number, most = 512) =>
  numberSets(
    sets,
    sets.map(() => 1),
    previous,
    nowS,
    most,
  );

describe('class ids', () => {
  const first = build([[1], [2]], null, NOW_S);
  const without = build([[2]], first.ids, NOW_S + HOUR_S);
  const retiredS = NOW_S + HOUR_S + RETIRE_AFTER_S;
  const retired = build([[2]], without.ids, retiredS);

  it('that no object is of name their holders for a while, then nobody', () => {
    expect(first.idOf).toEqual([1, 2]);
    expect(namedHolders(without.ids)).toEqual([[], [1], [2]]);
    expect(namedHolders(build([[2]], without.ids, retiredS - 1).ids)).toEqual([[], [1], [2]]);
    expect(namedHolders(retired.ids)).toEqual([[], [], [2]]);
    expect([...retired.ids.unusedSinceS]).toEqual([0, NOW_S + HOUR_S, 0]);
    expect([...retired.ids.retiredAtS]).toEqual([0, retiredS, 0]);
  });

  it('mean another set only when they have meant nobody for eight hours', () => {
    const early = build([[2], [3]], retired.ids, retiredS + REUSE_AFTER_S - 1);
    expect(early.ids.classes).toEqual([[], [1], [2], [3]]);
    const late = build([[2], [3]], retired.ids, retiredS + REUSE_AFTER_S);
    expect(late.ids.classes).toEqual([[], [3], [2]]);
    expect(late.idOf).toEqual([2, 1]);
    expect(namedHolders(late.ids)).toEqual(late.ids.classes);
  });

  it('come back with the set that they mean, at any time', () => {
    for (const nowS of [retiredS, retiredS + 1, retiredS + 9 * REUSE_AFTER_S]) {
      const back = build([[4], [1]], retired.ids, nowS);
      expect(back.idOf[1]).toBe(1);
      expect([back.ids.retiredAtS[1], back.ids.unusedSinceS[1]]).toEqual([0, 0]);
    }
  });

  it('are used again in the order in which they were retired', () => {
    const three = build([[1], [2], [3]], null, NOW_S);
    const one = build([[1], [3]], three.ids, NOW_S);
    const none = build([], build([[1], [3]], one.ids, NOW_S + RETIRE_AFTER_S).ids, NOW_S + RETIRE_AFTER_S + 1);
    const all = build([], none.ids, NOW_S + 2 * RETIRE_AFTER_S + 1);
    const later = build([[7], [8]], all.ids, NOW_S + 9 * REUSE_AFTER_S);
    expect(later.idOf).toEqual([2, 1]);
  });

  it('that are too few leave sets to a smaller one, even a retired one', () => {
    const full = build([[2], [1, 3]], retired.ids, retiredS + HOUR_S, 3);
    expect(full.idOf).toEqual([2, 1]);
    expect(full.narrowed).toBe(1);
    expect(namedHolders(full.ids)).toEqual([[], [1], [2]]);
  });
});

/** A build that is published or not, and what it says. */
interface Step {
  readonly nowS: number;
  readonly ids: ClassIds;
  readonly used: ReadonlySet<number>;
}

/** Whether a bucket of the one beside a table of the other may send somebody to whom the bucket's build knows not to hold it. */
function isWrong(bucket: Step, table: Step): boolean {
  const named = namedHolders(table.ids);
  return [...bucket.used].some((classId) => {
    const holders = new Set(bucket.ids.classes[classId]);
    return (named[classId] ?? []).some((n) => !holders.has(n));
  });
}

const set = fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 }).map((some) => some.sort());
const step = fc.record({
  sets: fc.uniqueArray(set, { maxLength: 5, selector: String }),
  waitS: fc.oneof(fc.integer({ min: 1, max: 6 * HOUR_S }), fc.constant(RETIRE_AFTER_S), fc.constant(REUSE_AFTER_S)),
  isPublished: fc.boolean(),
});

function builds(steps: readonly { sets: PresenceClass[]; waitS: number }[], most: number): Step[] {
  let nowS = NOW_S;
  let previous: ClassIds | null = null;
  return steps.map(({ sets, waitS }) => {
    nowS += waitS;
    const { ids, idOf, narrowed } = build(sets, previous, nowS, most);
    previous = ids;
    for (const [i, members] of sets.entries()) {
      const given = ids.classes[idOf[i] as number] as PresenceClass;
      expect(members).toEqual(expect.arrayContaining([...given]));
      if (narrowed === 0) expect(given).toEqual(members);
      expect(ids.retiredAtS[idOf[i] as number]).toBe(0);
    }
    expect(new Set(ids.classes.map(String)).size).toBe(ids.classes.length);
    return { nowS, ids, used: new Set(idOf.filter((id) => id > 0)) };
  });
}

describe('builds that are published or skipped at random', () => {
  const sequence = fc.tuple(
    fc.array(step, { minLength: 2, maxLength: 40, size: 'max' }),
    fc.integer({ min: 4, max: 9 }),
  );

  it('never mix wrongly with the one published before, if that was within eight hours', () => {
    let mixed = 0;
    let reused = 0;
    fc.assert(
      fc.property(sequence, ([steps, most]) => {
        const all = builds(steps, most);
        const published = all.filter((_, i) => steps[i]?.isPublished);
        published.slice(1).forEach((next, i) => {
          const old = published[i] as Step;
          if (next.nowS - old.nowS > REUSE_AFTER_S) return;
          mixed++;
          expect(isWrong(old, next)).toBe(false);
          expect(isWrong(next, old)).toBe(false);
        });
        const [first, last] = [all[0] as Step, all.at(-1) as Step];
        reused += [...first.used].filter((id) => String(first.ids.classes[id]) !== String(last.ids.classes[id])).length;
      }),
      { numRuns: 600 },
    );
    expect(mixed).toBeGreaterThan(1000);
    expect(reused).toBeGreaterThan(50);
  });

  it('may mix wrongly beyond', () => {
    const [old, , next] = builds(
      [
        { sets: [[1]], waitS: 0 },
        { sets: [], waitS: RETIRE_AFTER_S },
        { sets: [], waitS: RETIRE_AFTER_S },
        { sets: [[2]], waitS: REUSE_AFTER_S },
      ],
      9,
    ).filter((_, i) => i !== 1) as [Step, Step, Step];
    expect(isWrong(old, next)).toBe(true);
  });
});
