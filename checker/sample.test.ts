import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Outcome, type OutcomeCode } from '../core/observations.ts';
import { agrees, type Evidence, strataOf } from './sample.ts';
import { type TestObject, testInventory } from './testing/inventory.ts';

const outcomes = fc.constantFrom<OutcomeCode[]>(Outcome.none, Outcome.present, Outcome.absent, Outcome.different);
/** Objects with what a listing says of each. */
const cases = fc.array(
  fc.record({
    top: fc.constantFrom('distfiles', 'releases', ''),
    isDirectory: fc.boolean(),
    isHint: fc.boolean(),
    outcome: outcomes,
    sizeBytes: fc.integer({ min: -1, max: 2 }),
  }),
  { minLength: 1, maxLength: 200 },
);
const sampleSizes = fc.record({ proof: fc.integer({ min: 1, max: 20 }), hint: fc.integer({ min: 1, max: 20 }) });
const phases = fc.double({ min: 0, max: 1, noNaN: true });
type Case = (typeof cases extends fc.Arbitrary<infer T> ? T : never)[number];

function built(list: Case[]) {
  const objects = list.map(({ top, isDirectory }, i): TestObject => {
    const path = top === '' ? `o${i}` : `${top}/o${i}`;
    return isDirectory ? { path } : { path, sizeBytes: 1 };
  });
  const listing: Evidence = {
    outcome: (id) => list[id]!.outcome,
    sizeBytes: (id) => list[id]!.sizeBytes,
    isHint: (id) => list[id]!.isHint,
  };
  return { inventory: testInventory(objects), ids: Int32Array.from(list, (_, id) => id), listing };
}

describe('strata', () => {
  test('hold each file that the listing proved something of once, alike in place, type, outcome and proof', () => {
    fc.assert(
      fc.property(cases, sampleSizes, phases, (list, sampleSize, phase) => {
        const { inventory, ids, listing } = built(list);
        const strata = strataOf(inventory, ids, listing, sampleSize, phase);
        const held = strata.flatMap(({ objectIds }) => [...objectIds]).sort((a, b) => a - b);
        expect(held).toEqual([...ids].filter((id) => !list[id]!.isDirectory && list[id]!.outcome !== Outcome.none));
        for (const { objectIds, isHint } of strata) {
          const kinds = Array.from(objectIds, (id) => `${list[id]!.top} ${list[id]!.outcome} ${list[id]!.isHint}`);
          expect(new Set(kinds).size).toBe(1);
          expect(kinds[0]).toContain(String(isHint));
        }
      }),
    );
  });

  test('are sampled by different objects of their own, all where they are few', () => {
    fc.assert(
      fc.property(cases, sampleSizes, phases, (list, sampleSize, phase) => {
        const { inventory, ids, listing } = built(list);
        for (const { objectIds, sampled, isHint } of strataOf(inventory, ids, listing, sampleSize, phase)) {
          expect(sampled.length).toBe(Math.min(isHint ? sampleSize.hint : sampleSize.proof, objectIds.length));
          expect(new Set(sampled).size).toBe(sampled.length);
          expect([...sampled].every((id) => objectIds.includes(id))).toBe(true);
        }
      }),
    );
  });

  test('keep names apart that are not plain, and those with control characters or beyond ASCII', () => {
    const paths = ['a', 'b', 'c%20d', 'e%2520', 'f%0A', 'g%C3%A9', 'h%7F'];
    const inventory = testInventory(paths.map((path) => ({ path: `distfiles/${path}`, sizeBytes: 1 })));
    const listing: Evidence = { outcome: () => Outcome.present, sizeBytes: () => 1, isHint: () => false };
    const ids = Int32Array.from(paths, (_, id) => id);
    const strata = strataOf(inventory, ids, listing, { proof: 9, hint: 9 }, 0);
    expect(strata.map(({ objectIds }) => [...objectIds])).toEqual([
      [0, 1],
      [2, 3],
      [4, 5, 6],
    ]);
  });

  test('a pattern in the names does not hide between the samples', () => {
    const inventory = testInventory(Array.from({ length: 1500 }, (_, i) => ({ path: `d/f${i}`, sizeBytes: 1 })));
    const listing: Evidence = { outcome: () => Outcome.present, sizeBytes: () => 1, isHint: () => false };
    for (const period of [2, 3, 5, 9, 10, 16, 25]) {
      for (let phase = 0; phase < 1; phase += 0.01) {
        const ids = Int32Array.from(inventory.paths, (_, id) => id).filter((id) => id % 10 !== 0);
        const [stratum] = strataOf(inventory, ids, listing, { proof: 60, hint: 60 }, phase);
        expect(new Set(Array.from(stratum!.sampled, (id) => id % period)).size).toBeGreaterThan(period / 2);
      }
    }
  });

  test('in time every object is drawn', () => {
    const { inventory, ids, listing } = built(
      Array.from({ length: 100 }, () => ({
        top: 'distfiles' as const,
        isDirectory: false,
        isHint: false,
        outcome: Outcome.present,
        sizeBytes: 1,
      })),
    );
    const drawn = new Set<number>();
    for (let i = 0; i < 100; i++) {
      for (const { sampled } of strataOf(inventory, ids, listing, { proof: 10, hint: 1 }, i / 100))
        for (const id of sampled) drawn.add(id);
    }
    expect(drawn.size).toBe(100);
  });
});

describe('agreement', () => {
  test('is never given where one sampled object was found otherwise, in outcome or size, or failed', () => {
    fc.assert(
      fc.property(
        cases,
        sampleSizes,
        phases,
        fc.nat(),
        fc.boolean(),
        outcomes,
        (list, size, phase, pick, bySize, other) => {
          const { inventory, ids, listing } = built(list);
          for (const stratum of strataOf(inventory, ids, listing, size, phase)) {
            expect(agrees(stratum, listing, listing)).toBe(true);
            const odd = stratum.sampled[pick % stratum.sampled.length]!;
            fc.pre(bySize || other !== list[odd]!.outcome);
            const asked: Evidence = {
              outcome: (id) => (id === odd && !bySize ? other : listing.outcome(id)),
              sizeBytes: (id) => listing.sizeBytes(id) + (id === odd && bySize ? 1 : 0),
              isHint: () => false,
            };
            expect(agrees(stratum, listing, asked)).toBe(false);
          }
        },
      ),
    );
  });
});
