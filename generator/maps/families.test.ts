import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evened, IPV6_VIEWERS } from './families.ts';
import type { Candidate } from './rank.ts';

const mirrors = fc.array(fc.tuple(fc.constantFrom(0.5, 1, 1, 2), fc.boolean(), fc.nat(1)), {
  minLength: 1,
  maxLength: 6,
});

function candidates(from: readonly (readonly [number, boolean, number])[]): Candidate[] {
  return from.map(([weight, ipv6, tier], number) => ({ number, weight, ipv6, tier, distanceKm: 0 }));
}

const total = (some: readonly Candidate[]) => some.reduce((sum, { weight }) => sum + weight, 0);

describe('evened', () => {
  it('gives each mirror its weight’s part of all viewers, where enough mirrors have IPv6', () => {
    fc.assert(
      fc.property(mirrors, (from) => {
        const before = candidates(from).filter(({ tier }) => tier === 0);
        const withIpv6 = before.filter(({ ipv6 }) => ipv6);
        fc.pre(total(withIpv6) > 0.6 * total(before));
        const after = evened(before);
        for (const [i, { weight, ipv6 }] of before.entries()) {
          const overIpv6 = ipv6 ? weight / total(withIpv6) : 0;
          const overIpv4 = (after[i] as Candidate).weight / total(after);
          const share = IPV6_VIEWERS * overIpv6 + (1 - IPV6_VIEWERS) * overIpv4;
          expect(share).toBeCloseTo(weight / total(before), 6);
        }
      }),
    );
  });

  it('raises by no more than four, and nothing where all or none have IPv6, or in another tier', () => {
    fc.assert(
      fc.property(mirrors, (from) => {
        const before = candidates(from);
        for (const [i, after] of evened(before).entries()) {
          const { weight, tier, ipv6 } = before[i] as Candidate;
          const others = before.filter((one) => one.tier === tier);
          expect(after.weight).toBeGreaterThanOrEqual(weight);
          expect(after.weight).toBeLessThanOrEqual(4 * weight);
          if (ipv6 || others.every((one) => !one.ipv6)) expect(after.weight).toBe(weight);
          expect(after).toEqual(evened(others).find(({ number }) => number === after.number));
        }
      }),
    );
  });
});
