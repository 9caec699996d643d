import { describe, expect, it } from 'vitest';
import { holderKeys } from './holders.ts';
import type { Ranked } from './rank.ts';
import type { Target } from './region-keys.ts';

const COUNTRIES = ['DE', 'DE', 'DE', 'DE', 'DE', 'DE', 'DE', 'FR', 'US', 'JP', 'BR', 'AU', 'ZA', 'IN', 'CN'];
const points: Ranked[] = COUNTRIES.map((country, number) => ({
  number,
  places: [{ country, latitude: 0, longitude: 0 }],
  weight: 1,
  ipv6: true,
  unfit: null,
}));
const targets = (number: number): Target => ({ url: `https://m${number}.example/`, ipv4: true, ipv6: true });

function named(isUp: (number: number) => boolean): number[] {
  const input = { classes: [[], points.map(({ number }) => number)], classUse: Uint32Array.of(0, 9), epoch: '0', isUp };
  const [[name, value], ...others] = holderKeys('https', points, input, targets) as [[string, string]];
  expect([name, others]).toEqual(['c0s1', []]);
  return [...value.matchAll(/ m(\d+)\.example/g)].map(([, number]) => Number(number));
}

describe('the holders of a class', () => {
  const all = named(() => true);

  it('are six of six countries', () => {
    expect(new Set(all.map((number) => COUNTRIES[number])).size).toBe(6);
  });

  it('stay who they are while two of them are up', () => {
    expect(named((number) => number !== all[0])).toEqual(all);
    expect(named((number) => all.indexOf(number) < 2)).toEqual(all);
  });

  it('are joined by two of different countries that are up, where hardly any of them is', () => {
    const few = named((number) => !all.slice(1).includes(number));
    const up = few.filter((number) => !all.slice(1).includes(number));
    expect(few).toHaveLength(6);
    expect(new Set(up.map((number) => COUNTRIES[number])).size).toBe(2);
  });
});
