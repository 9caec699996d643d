import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Ranked, type Region, rank } from './rank.ts';

const place = (country: string, latitude: number, longitude: number) => ({ country, latitude, longitude });
const germany: Region = { code: 'DE', country: { latitude: 51, longitude: 9 } };
const point = (number: number, at: ReturnType<typeof place>[], unfit: string | null = null): Ranked => ({
  number,
  id: `p${number}`,
  places: at,
  weight: 1,
  unfit,
});

describe('rank', () => {
  it('puts the own country first, then nearer before farther', () => {
    const points = [point(0, [place('JP', 36, 138)]), point(1, [place('FR', 46, 2)]), point(2, [place('DE', 51, 9)])];
    const { accepted } = rank(germany, points, 8);
    expect(accepted.map((c) => c.number)).toEqual([2, 1, 0]);
    expect(accepted.map((c) => c.tier)).toEqual([0, 2, 5]);
  });

  it('takes an anycast mirror at the nearest of its places', () => {
    const points = [point(0, [place('US', 38, -97), place('NL', 52.5, 5.75)]), point(1, [place('AT', 47.3, 13.3)])];
    expect(rank(germany, points, 8).accepted[0]?.number).toBe(0);
  });

  it('names why one is excluded: unfit, or farther than the nearest', () => {
    const points = [
      point(0, [place('DE', 51, 9)], 'drained'),
      point(1, [place('FR', 46, 2)]),
      point(2, [place('JP', 36, 138)]),
    ];
    const { accepted, excluded } = rank(germany, points, 1);
    expect(accepted.map((c) => c.number)).toEqual([1]);
    expect(excluded).toEqual([
      { number: 0, reason: 'drained' },
      { number: 2, reason: 'farther than the 1 nearest' },
    ]);
  });

  it('gives a point a tier and a distance that depend on no other point', () => {
    const anyPlace = fc.record({
      country: fc.constantFrom('DE', 'FR', 'US', 'NZ'),
      latitude: fc.double({ min: -90, max: 90, noNaN: true }),
      longitude: fc.double({ min: -180, max: 180, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(fc.array(anyPlace, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 30 }),
        (all) => {
          const points = all.map((places, number) => point(number, places));
          for (const candidate of rank(germany, points, 8).accepted) {
            const alone = rank(germany, [points[candidate.number] as Ranked], 8).accepted[0];
            expect(candidate).toEqual(alone);
          }
        },
      ),
    );
  });

  it('draws different lots for different regions among equals', () => {
    const points = Array.from({ length: 30 }, (_, number) => point(number, [place('DE', 51, 9)]));
    const chosen = (code: string) =>
      rank({ code, country: null }, points, 8)
        .accepted.map((c) => c.number)
        .join();
    expect(new Set(['AA', 'BB', 'CC', 'DD'].map(chosen)).size).toBeGreaterThan(1);
  });
});
