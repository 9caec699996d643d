import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Outcome } from '../../core/observations.ts';
import { classify } from './classes.ts';

const { present, absent, none } = Outcome;
const column = (...values: number[]) => Uint8Array.from(values);

describe('classify', () => {
  it('gives objects with the same holders one class, and class 0 to those without', () => {
    const { classes, classOf } = classify(
      [column(present, present, absent, none), column(present, present, present, none)],
      4,
      [],
    );
    expect(classes).toEqual([[], [0, 1], [1]]);
    expect([...classOf]).toEqual([1, 1, 2, 0]);
  });

  it('keeps the ids of the build before and appends new sets', () => {
    const before = classify([column(present, absent), column(absent, present)], 2, []);
    const after = classify([column(present, present), column(present, absent)], 2, before.classes);
    expect(after.appended).toBe(true);
    expect(after.classes).toEqual([...before.classes, [0, 1]]);
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
        const { classes, classOf, appended } = classify(columns, 40, [], bound);
        for (let id = 0; id < 40; id++) {
          const holders = columns.flatMap((values, n) => (values[id] === present ? [n] : []));
          const claimed = classes[classOf[id] as number] as number[];
          expect(holders).toEqual(expect.arrayContaining(claimed));
          if (appended) expect(claimed).toEqual(holders);
        }
        expect(classes.length).toBeLessThanOrEqual(bound);
      }),
    );
  });

  it('keeps all ids where some classes are too many, as long as hardly any object forgets a holder', () => {
    const many = 1000;
    const row = (isHeld: (id: number) => boolean) =>
      Uint8Array.from({ length: many }, (_, id) => (isHeld(id) ? present : absent));
    const before = classify([row(() => true), row((id) => id < 500)], many, [], 3);
    expect(before.classes).toHaveLength(3);
    const after = classify([row(() => true), row((id) => id < 500), row((id) => id === 7)], many, before.classes, 3);
    expect(after.appended).toBe(true);
    expect(after.classes).toEqual(before.classes);
    expect(after.classes[after.classOf[7] as number]).toEqual([0, 1]);
    const anew = classify([row(() => true), row((id) => id < 500), row((id) => id < 100)], many, before.classes, 3);
    expect(anew.appended).toBe(false);
    expect(anew.classes).toEqual([[], [0], [0, 1]]);
  });

  it('numbers anew where the bound is passed, the rarest narrowed to a set that is kept', () => {
    const columns = [column(present, present, present), column(absent, absent, present)];
    const { classes, classOf, appended } = classify(columns, 3, [], 2);
    expect(appended).toBe(false);
    expect(classes).toEqual([[], [0]]);
    expect([...classOf]).toEqual([1, 1, 1]);
  });
});
