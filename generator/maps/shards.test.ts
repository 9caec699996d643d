import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MOST_CANDIDATES } from '../../core/edge-keys.ts';
import type { Candidate } from './rank.ts';
import { freshCut, shardsOf } from './shards.ts';

const candidate = (number: number, tier: number, weight = 1): Candidate => ({
  number,
  tier,
  weight,
  ipv6: number % 4 !== 0,
  distanceKm: tier * 500,
});

/** As the first build cuts them. */
const shardsFor = (accepted: readonly Candidate[], most: number, fewest?: number) =>
  shardsOf(freshCut(accepted, most, fewest), accepted);

/** Each mirror's share of the viewers: shards are equally large, within one the best tier shares by weight. */
function shares(accepted: readonly Candidate[], most = 8): Map<number, number> {
  const shards = shardsFor(accepted, most);
  const found = new Map<number, number>();
  for (const shard of shards) {
    const best = shard.filter(({ tier }) => tier === shard[0]?.tier);
    const total = best.reduce((sum, { weight }) => sum + weight, 0);
    for (const { number, weight } of best) found.set(number, (found.get(number) ?? 0) + weight / total / shards.length);
  }
  return found;
}

const weights = fc.array(fc.constantFrom(0.25, 0.5, 1, 1, 1, 2, 3), { minLength: 1, maxLength: 25 });
const farther = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 30 });

describe('shardsOf', () => {
  it('gives every mirror of the nearest tier its share by weight, whatever is farther away', () => {
    fc.assert(
      fc.property(weights, farther, (near, far) => {
        const tier = near.map((weight, i) => candidate(i, 0, weight));
        const behind = far.sort().map((distance, i) => candidate(100 + i, distance));
        const total = near.reduce((sum, weight) => sum + weight, 0);
        const found = shares([...tier, ...behind]);
        expect([...found.keys()].sort()).toEqual(tier.map(({ number }) => number).sort());
        for (const { number, weight } of tier) expect(found.get(number)).toBeCloseTo(weight / total, 2);
      }),
    );
  });

  it('names the next best behind them, none twice, in every shard', () => {
    const accepted = [...Array.from({ length: 25 }, (_, i) => candidate(i, 0)), candidate(50, 3), candidate(51, 4)];
    const shards = shardsFor(accepted, 8);
    expect(shards).toHaveLength(5);
    for (const shard of shards) {
      expect(shard).toHaveLength(MOST_CANDIDATES);
      expect(new Set(shard.map(({ number }) => number)).size).toBe(MOST_CANDIDATES);
      expect(shard.at(-1)?.tier).toBeGreaterThan(0);
      expect(shard.map(({ tier }) => tier)).toEqual(shard.map(({ tier }) => tier).toSorted((a, b) => a - b));
    }
  });

  it('gives each shard its part of the mirrors with IPv6, and as many mirrors as fit', () => {
    for (const count of [12, 20, 22, 33]) {
      // As drawn, some shards would get none.
      const tier = Array.from({ length: count }, (_, i) => ({ ...candidate(i, 0), ipv6: i % 2 === 0 }));
      const shards = shardsFor(tier, 8);
      expect(shards.length).toBeLessThanOrEqual(Math.ceil(count / 4) + 1);
      for (const shard of shards) {
        const best = shard.filter((one) => one.tier === 0);
        const length = (some: readonly Candidate[]) => some.reduce((sum, { weight }) => sum + weight, 0);
        const share = length(best.filter(({ ipv6 }) => ipv6)) / length(best);
        expect(Math.abs(share - 0.5)).toBeLessThan(0.3);
      }
    }
  });

  it('leaves out the farthest of the tier where there are more than the shards can hold', () => {
    const accepted = Array.from({ length: 60 }, (_, i) => ({ ...candidate(i, 2), distanceKm: 600 + i }));
    const found = shares(accepted, 2);
    expect(found.size).toBeGreaterThanOrEqual(8);
    expect(Math.max(...found.keys())).toBe(found.size - 1);
  });

  it('is one shard of the best six where that is enough', () => {
    expect(shardsFor([candidate(3, 0), candidate(1, 2), candidate(2, 2)], 8)).toEqual([
      [candidate(3, 0), candidate(1, 2), candidate(2, 2)],
    ]);
    expect(shardsFor([], 8)).toEqual([[]]);
    expect(shardsFor([], 4, 2)).toEqual([[], []]);
  });
});
