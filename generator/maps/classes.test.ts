import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Outcome } from '../../core/observations.ts';
import { classify } from './classes.ts';

const { present, absent, none } = Outcome;
const NOW_S = 1_800_000_000;
const column = (...values: number[]) => Uint8Array.from(values);

describe('classify', () => {
  it('gives objects with the same holders one class, and class 0 to those without', () => {
    const columns = [column(present, present, absent, none), column(present, present, present, none)];
    const { ids, classOf } = classify(columns, 4, null, NOW_S);
    expect(ids.classes).toEqual([[], [0, 1], [1]]);
    expect([...classOf]).toEqual([1, 1, 2, 0]);
  });

  it('keeps the ids of the build before and appends new sets', () => {
    const before = classify([column(present, absent), column(absent, present)], 2, null, NOW_S);
    const after = classify([column(present, present), column(present, absent)], 2, before.ids, NOW_S);
    expect(after.continues).toBe(true);
    expect(after.ids.classes).toEqual([...before.ids.classes, [0, 1]]);
    expect([...after.classOf]).toEqual([3, 1]);
  });

  it('never claims a holder that was not seen, and forgets none while the bound holds', () => {
    const matrix = fc.array(
      fc.array(fc.constantFrom<number>(none, present, absent), { minLength: 40, maxLength: 40 }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(matrix, fc.integer({ min: 2, max: 50 }), (rows, bound) => {
        const columns = rows.map((row) => column(...row));
        const { ids, classOf } = classify(columns, 40, null, NOW_S, bound);
        const { classes } = ids;
        const rowsOf = (id: number) => columns.map((values) => values[id] === present).join();
        const isWhole = new Set(Array.from({ length: 40 }, (_, id) => rowsOf(id))).size < bound;
        for (let id = 0; id < 40; id++) {
          const holders = columns.flatMap((values, n) => (values[id] === present ? [n] : []));
          const claimed = classes[classOf[id] as number] as number[];
          expect(holders).toEqual(expect.arrayContaining(claimed));
          if (isWhole) expect(claimed).toEqual(holders);
        }
        expect(classes.length).toBeLessThanOrEqual(bound);
      }),
    );
  });

  it('keeps all ids where some classes are too many, as long as hardly any object forgets a holder', () => {
    const many = 1000;
    const row = (isHeld: (id: number) => boolean) =>
      Uint8Array.from({ length: many }, (_, id) => (isHeld(id) ? present : absent));
    const before = classify([row(() => true), row((id) => id < 500)], many, null, NOW_S, 3);
    expect(before.ids.classes).toHaveLength(3);
    const rows = [row(() => true), row((id) => id < 500), row((id) => id === 7)];
    const after = classify(rows, many, before.ids, NOW_S, 3);
    expect(after.continues).toBe(true);
    expect(after.ids.classes).toEqual(before.ids.classes);
    expect(after.ids.classes[after.classOf[7] as number]).toEqual([0, 1]);
  });

  it('numbers anew where that spares most of many objects, the rarest narrowed to a set that is kept', () => {
    const row = (isHeld: (id: number) => boolean) =>
      Uint8Array.from({ length: 100 }, (_, id) => (isHeld(id) ? present : absent));
    const before = classify([row(() => true), row((id) => id < 3)], 100, null, NOW_S, 3);
    const rows = [row(() => true), row((id) => id < 1), row((id) => id >= 50)];
    const after = classify(rows, 100, before.ids, NOW_S, 3);
    expect(after.continues).toBe(false);
    expect(after.ids.classes).toEqual([[], [0, 2], [0]]);
    expect(after.classOf[0]).toBe(2);
  });

  it('does not begin anew where that would help hardly anybody', () => {
    const columns = [column(present, present, present), column(absent, absent, present)];
    const before = classify(columns, 3, null, NOW_S, 2);
    const { ids, classOf, continues } = classify(columns, 3, before.ids, NOW_S, 2);
    expect(continues).toBe(true);
    expect(ids.classes).toEqual([[], [0]]);
    expect([...classOf]).toEqual([1, 1, 1]);
  });
});
