import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countryOf } from '../../core/countries.ts';
import { type Ranked, type Region, rank } from './rank.ts';

const place = (country: string, latitude: number, longitude: number) => ({ country, latitude, longitude });
const germany: Region = { code: 'DE', country: 'DE', middle: { latitude: 51, longitude: 9 } };
const point = (number: number, at: ReturnType<typeof place>[], unfit: string | null = null): Ranked => ({
  number,
  places: at,
  ipv6: true,
  weight: 1,
  unfit,
});

describe('rank', () => {
  it('puts the own country first, then nearer before farther', () => {
    const points = [point(0, [place('JP', 36, 138)]), point(1, [place('FR', 46, 2)]), point(2, [place('DE', 51, 9)])];
    const { accepted } = rank(germany, points);
    expect(accepted.map((c) => c.number)).toEqual([2, 1, 0]);
    expect(accepted.map((c) => c.tier)).toEqual([0, 2, 5]);
  });

  it('takes an anycast mirror at the nearest of its places', () => {
    const points = [point(0, [place('US', 38, -97), place('NL', 52.5, 5.75)]), point(1, [place('AT', 47.3, 13.3)])];
    expect(rank(germany, points).accepted[0]?.number).toBe(0);
  });

  it('names why one is excluded', () => {
    const points = [
      point(0, [place('DE', 51, 9)], 'drained'),
      point(1, [place('FR', 46, 2)]),
      point(2, [place('JP', 36, 138)]),
    ];
    const { accepted, excluded } = rank(germany, points);
    expect(accepted.map((c) => c.number)).toEqual([1, 2]);
    expect(excluded).toEqual([{ number: 0, reason: 'drained' }]);
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
          for (const candidate of rank(germany, points).accepted) {
            const alone = rank(germany, [points[candidate.number] as Ranked]).accepted[0];
            expect(candidate).toEqual(alone);
          }
        },
      ),
    );
  });

  it('heeds which countries a mirror wants alone or does not want, and takes viewers of unknown places for either', () => {
    const at = [place('DE', 51, 9)];
    const points = [
      { ...point(0, at), only: ['DE'] },
      { ...point(1, at), only: ['FR', 'IT'] },
      { ...point(2, at), never: ['DE'] },
      { ...point(3, at), never: ['FR'] },
    ];
    const here = rank(germany, points);
    expect(here.accepted.map((c) => c.number).sort()).toEqual([0, 3]);
    expect(here.excluded).toEqual([
      { number: 1, reason: 'wants viewers in FR, IT alone' },
      { number: 2, reason: 'wants no viewers in DE' },
    ]);
    expect(rank({ code: '--', country: null, middle: null }, points).accepted).toEqual([]);
    const bavaria: Region = { ...germany, code: 'DE-BY' };
    expect(
      rank(bavaria, points)
        .accepted.map((c) => c.number)
        .sort(),
    ).toEqual([0, 3]);
  });

  it('gives a private mirror to its networks alone, before all others, wherever they are', () => {
    const points = [
      point(0, [place('JP', 35, 139)]),
      { ...point(1, [place('NZ', -41, 174)]), networks: ['192.0.2.0/23'] },
      { ...point(2, [place('JP', 35, 139)]), networks: ['10.0.0.0/8'] },
    ];
    const inside: Region = {
      code: '192.0.3.',
      country: null,
      middle: { latitude: 35, longitude: 139 },
      network: '192.0.3.',
    };
    expect(rank(inside, points).accepted.map((c) => c.number)).toEqual([1, 0]);
    for (const region of [germany, { code: '--', country: null, middle: null }, { ...inside, network: '192.0.4.' }]) {
      expect(rank(region, points).accepted.map((c) => c.number)).toEqual([0]);
      expect(rank(region, points).excluded[0]?.reason).toBe('serves its own networks alone');
    }
  });

  it('knows near from far within a large country, where it knows where a mirror stands', () => {
    const washington: Region = { code: 'US-WA', country: 'US', middle: { latitude: 47.6, longitude: -122.3 } };
    const middle = countryOf('US') as NonNullable<ReturnType<typeof countryOf>>;
    const points = [
      point(0, [place('US', middle.latitude, middle.longitude)]),
      point(1, [place('US', 45.5, -122.7)]),
      point(2, [place('US', 40.7, -74)]),
      point(3, [place('CA', 49.2, -123.1)]),
    ];
    const { accepted } = rank(washington, points);
    expect(accepted.map((c) => [c.number, c.tier])).toEqual([
      [1, 0],
      [0, 1],
      [3, 2],
      [2, 5],
    ]);
  });

  it('draws different lots for different regions among equals', () => {
    const points = Array.from({ length: 30 }, (_, number) => point(number, [place('DE', 51, 9)]));
    const chosen = (code: string) =>
      rank({ code, country: null, middle: null }, points)
        .accepted.map((c) => c.number)
        .join();
    expect(new Set(['AA', 'BB', 'CC', 'DD'].map(chosen)).size).toBeGreaterThan(1);
  });
});
