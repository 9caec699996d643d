import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { zoneOf } from './edge-keys.ts';

const COUNTRIES = ['DE', 'ED', 'FR', 'RF', 'US', 'SU', 'CA', 'AC'];
const PARTS = ['CA', 'US', 'OR', 'WA', 'CAL', 'S'];

interface Listed {
  readonly codes: readonly string[];
  readonly parts: readonly string[];
  readonly shards: number;
}

/** Zones as a builder makes them: no region twice, the default region alone. */
const zones = fc
  .tuple(
    fc.shuffledSubarray(COUNTRIES),
    fc.array(fc.nat(3), { minLength: 9, maxLength: 9 }),
    fc.shuffledSubarray(PARTS),
    fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 20, maxLength: 20 }),
  )
  .map(([countries, sizes, parts, shards]): Listed[] => {
    const listed: Listed[] = [];
    let at = 0;
    for (const [i, size] of sizes.entries()) {
      const codes = countries.slice(at, at + size);
      at += size;
      if (codes.length > 0) listed.push({ codes, parts: [], shards: shards[i] as number });
    }
    listed.push({ codes: ['--'], parts: [], shards: shards[15] as number });
    const half = Math.ceil(parts.length / 2);
    for (const [i, some] of [parts.slice(0, half), parts.slice(half)].entries())
      if (some.length > 0) listed.push({ codes: ['US'], parts: some, shards: shards[10 + i] as number });
    return listed;
  });

const textOf = ({ codes, parts, shards }: Listed) =>
  `${codes.join('')}${parts.map((part) => `-${part}`).join('')}${shards === 1 ? '' : shards}`;

describe('zoneOf', () => {
  it('finds the zone that lists the part, else the country’s, else the country itself', () => {
    fc.assert(
      fc.property(
        zones,
        fc.constantFrom('--', ...COUNTRIES),
        fc.constantFrom('', 'XX', ...PARTS),
        (all, country, part) => {
          const ofPart = all.find(({ codes, parts }) => codes[0] === country && parts.includes(part));
          const ofCountry = all.find(({ codes, parts }) => parts.length === 0 && codes.includes(country));
          const expected =
            ofPart !== undefined
              ? { name: `${country}-${ofPart.parts[0]}`, shards: ofPart.shards }
              : { name: ofCountry?.codes[0] ?? country, shards: ofCountry?.shards ?? 1 };
          expect(zoneOf(all.map(textOf).join(','), country, part)).toEqual(expected);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('takes no part of a torn list for more than eight shards', () => {
    for (const torn of ['', ',', 'DE9', 'DE-', 'D', 'DE,,', '-DE3', 'XDE2'])
      expect([1, 2, 3]).toContain(zoneOf(torn, 'DE', 'BY').shards);
  });
});
