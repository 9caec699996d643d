import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Mirror } from '../core/mirror.ts';
import { mirrorsOf, type Vantage } from './vantages.ts';

function mirror(id: string, ...places: readonly (readonly [number, number])[]): Mirror {
  const at = places.map(([latitude, longitude]) => ({ country: 'DE', latitude, longitude }));
  return { id, name: id, places: at, weight: 1, drained: false, accessPoints: [] };
}

const vantage = (name: string, latitude: number, longitude: number, overlap: number): Vantage => {
  return { name, latitude, longitude, overlap };
};
const ids = (mirrors: readonly Mirror[]) => mirrors.map(({ id }) => id);

const BERLIN = mirror('berlin', [52, 13]);
const TOKYO = mirror('tokyo', [36, 140]);
const OHIO = mirror('ohio', [40, -83]);
const ANYCAST = mirror('anycast', [52, 13], [40, -83]);
const ALL = [BERLIN, TOKYO, OHIO, ANYCAST];

describe('a vantage', () => {
  const world = (overlap: number) => [
    vantage('eu', 53, -8, overlap),
    vantage('us', 39, -77, overlap),
    vantage('asia', 1, 104, overlap),
  ];

  test('checks the mirrors that are nearest to it, by their nearest place', () => {
    expect(ids(mirrorsOf('eu', world(1), ALL))).toEqual(['berlin']);
    expect(ids(mirrorsOf('us', world(1), ALL))).toEqual(['ohio', 'anycast']);
    expect(ids(mirrorsOf('asia', world(1), ALL))).toEqual(['tokyo']);
  });

  test('with an overlap also those to which it is the next', () => {
    expect(ids(mirrorsOf('eu', world(2), ALL))).toEqual(['berlin', 'tokyo', 'ohio', 'anycast']);
    expect(ids(mirrorsOf('asia', world(2), ALL))).toEqual(['tokyo']);
  });

  test('that is not there is told of', () => {
    expect(() => mirrorsOf('mars', world(1), ALL)).toThrow(RangeError);
  });
});

test('every mirror has a vantage, and keeps it whatever other mirrors come and go', () => {
  const place = fc.tuple(fc.integer({ min: -90, max: 90 }), fc.integer({ min: -180, max: 180 }));
  const vantages = fc
    .array(fc.tuple(place, fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 6 })
    .map((all) => all.map(([[latitude, longitude], overlap], i) => vantage(`v${i}`, latitude, longitude, overlap)));
  const mirrors = fc
    .array(fc.array(place, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 20 })
    .map((all) => all.map((places, i) => mirror(`m${i}`, ...places)));
  fc.assert(
    fc.property(vantages, mirrors, (vantages, mirrors) => {
      for (const one of mirrors) {
        const checkers = vantages.filter(({ name }) => mirrorsOf(name, vantages, mirrors).includes(one));
        expect(checkers.length).toBeGreaterThanOrEqual(1);
        const alone = vantages.filter(({ name }) => mirrorsOf(name, vantages, [one]).includes(one));
        const reversed = vantages.filter(({ name }) => mirrorsOf(name, [...vantages].reverse(), mirrors).includes(one));
        expect(alone).toEqual(checkers);
        expect(reversed).toEqual(checkers);
      }
    }),
    { numRuns: 100 },
  );
});
