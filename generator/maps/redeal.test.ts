import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MOST_CANDIDATES } from '../../core/edge-keys.ts';
import type { DealtTier, Pieces } from '../../core/formats/map-file.ts';
import { Dealer } from './dealing.ts';
import type { Candidate } from './rank.ts';
import { MOST_UNEVEN, merged, redealt, split } from './redeal.ts';
import { freshCut } from './shards.ts';

const candidate = (number: number, weight = 1): Candidate => ({
  number,
  tier: 0,
  weight,
  ipv6: number % 3 !== 0,
  distanceKm: 0,
});
const tierOf = (...numbers: number[]) => numbers.map((number) => candidate(number));
const sizes = (pieces: Pieces) => pieces.map((piece) => piece.reduce((sum, [, part]) => sum + part, 0));

function sharesOf(pieces: Pieces): Map<number, number> {
  const shares = new Map<number, number>();
  for (const [n, part] of pieces.flat()) shares.set(n, (shares.get(n) ?? 0) + part);
  return shares;
}

/** A mirror comes, or the one at that place goes. */
const steps = fc.array(
  fc.record({
    weight: fc.constantFrom(0.25, 0.5, 1, 1, 1, 2, 3),
    gone: fc.option(fc.nat(30), { freq: 2 }),
  }),
  { minLength: 5, maxLength: 40 },
);

describe('a tier that is dealt again', () => {
  it('has pieces of equal size, six mirrors at most, and nobody far from the share of its weight', () => {
    fc.assert(
      fc.property(steps, (walk) => {
        let tier = tierOf(100, 101, 102, 103);
        let tiers: readonly DealtTier[] = [];
        for (const [i, { weight, gone }] of walk.entries()) {
          tier =
            gone === null || tier.length < 3 ? [...tier, candidate(i, weight)] : tier.filter((_, at) => at !== gone);
          const dealer = new Dealer({ fineness: 0, tiers });
          const { https } = dealer.shards({ https: tier, http: [] }, 8, 'DE', 'DE');
          tiers = dealer.tiers();
          const { https: pieces } = tiers[0] as DealtTier;
          expect(pieces).toHaveLength(https.length);
          for (const size of sizes(pieces)) expect(size * pieces.length).toBeCloseTo(1, 3);
          for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(MOST_CANDIDATES);
          const shares = sharesOf(pieces);
          const dealt = tier.filter(({ number }) => shares.has(number));
          const weights = dealt.reduce((sum, one) => sum + one.weight, 0);
          expect(dealt).toHaveLength(shares.size);
          for (const one of dealt) {
            const times = ((shares.get(one.number) as number) * weights) / one.weight;
            expect(Math.max(times, 1 / times)).toBeLessThan(MOST_UNEVEN + 0.01);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('leaves all as it was where it is the same', () => {
    const tier = tierOf(...Array.from({ length: 17 }, (_, i) => i));
    const { pieces } = freshCut(tier, 8);
    const again = redealt(pieces, tier) as Pieces;
    for (const [i, piece] of again.entries()) {
      for (const [at, [number, part]] of piece.entries()) {
        expect(number).toBe(pieces[i]?.[at]?.[0]);
        expect(part).toBeCloseTo(pieces[i]?.[at]?.[1] as number, 4);
      }
    }
  });

  it('gives a newcomer its part of each piece that has a place, and takes nothing from one mirror for another', () => {
    const before: Pieces = [[1, 2, 3, 4].map((n) => [n, 1 / 8] as const), [5, 6, 7, 8].map((n) => [n, 1 / 8] as const)];
    const after = redealt(before, tierOf(1, 2, 3, 4, 5, 6, 7, 8, 9)) as Pieces;
    expect(sharesOf(after).get(9)).toBeCloseTo(1 / 9, 4);
    for (const piece of after) expect(piece).toHaveLength(5);
    for (const [, share] of sharesOf(after)) expect(share).toBeCloseTo(1 / 9, 4);
  });

  it('lends a piece that lost most of its mirrors another', () => {
    const before: Pieces = [[1, 2, 3].map((n) => [n, 1 / 6] as const), [4, 5, 6].map((n) => [n, 1 / 6] as const)];
    const after = redealt(before, tierOf(1, 2, 4, 5, 6)) as Pieces;
    expect(after.map((piece) => piece.length)).toEqual([3, 3]);
  });

  it('has to be cut anew where newcomers have no place, or too little', () => {
    const full: Pieces = [[1, 2, 3, 4, 5, 6].map((n) => [n, 1 / 6] as const)];
    expect(redealt(full, tierOf(1, 2, 3, 4, 5, 6, 7))).toBeNull();
    expect(redealt(split(full, 2), tierOf(1, 2, 3, 4, 5, 6, 7))).not.toBeNull();
    const heavy = [...tierOf(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), candidate(12, 60)];
    const two: Pieces = [tierOf(1, 2, 3, 4, 5, 6), tierOf(7, 8, 9, 10, 11)].map((some) =>
      some.map(({ number }) => [number, 1 / 2 / some.length] as const),
    );
    expect(redealt(two, heavy)).toBeNull();
  });

  it('may be split, and merged again, with the same parts', () => {
    const { pieces } = freshCut(tierOf(...Array.from({ length: 9 }, (_, i) => i)), 8);
    expect(merged(split(pieces, 2)).map((piece) => new Map(piece))).toEqual(pieces.map((piece) => new Map(piece)));
  });
});

describe('regions', () => {
  const five = tierOf(1, 2, 3, 4, 5, 6, 7);
  const six = tierOf(1, 2, 3, 4, 5, 6, 7, 8);

  it('with the same mirrors are dealt alike, whatever they had before', () => {
    const first = new Dealer(null);
    first.shards({ https: five, http: [] }, 8, 'AA', 'AA');
    first.shards({ https: six, http: [] }, 8, 'BB', 'BB');
    const next = new Dealer({ fineness: 0, tiers: first.tiers() });
    const alike = ['AA', 'BB', 'CC'].map((code) => next.shards({ https: six, http: [] }, 8, code, code));
    expect(alike[0]).toEqual(alike[1]);
    expect(alike[2]).toEqual(alike[1]);
    // Those of whom nothing changed stay where they were.
    expect(next.tiers()).toHaveLength(1);
    expect(next.tiers()[0]?.https).toEqual(first.tiers()[1]?.https);
  });

  it('that may have fewer pieces than before get halves of them', () => {
    const many = tierOf(...Array.from({ length: 12 }, (_, i) => i));
    const tiers = [{ key: '', regions: ['AA'], https: split(freshCut(many, 2, 2).pieces, 2), http: [[], [], [], []] }];
    const dealer = new Dealer({ fineness: 0, tiers });
    expect(dealer.shards({ https: many, http: [] }, 2, 'AA', 'AA').https).toHaveLength(2);
    const kept = sharesOf(dealer.tiers()[0]?.https as Pieces);
    for (const [n, share] of sharesOf(freshCut(many, 2, 2).pieces)) expect(kept.get(n)).toBeCloseTo(share, 3);
  });
});
