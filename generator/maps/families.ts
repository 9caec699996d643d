import type { Candidate } from './rank.ts';

/**
 * Of all viewers, those over IPv6. Most measurements of 2025 see 40 to 50 % of eyeballs, and less of servers. Where
 * fewer come than this, mirrors without IPv6 get somewhat more than their share; where more come, somewhat less.
 */
export const IPV6_VIEWERS = 0.35;

/** Where hardly any mirror has IPv6, the others' weights are raised no further. */
const MOST_RAISED = 4;

/**
 * Viewers over IPv6 pass by mirrors without it; so more of the viewers over IPv4 are sent to these. In each tier the
 * weights of mirrors without IPv6 are raised so far that, of all viewers, every mirror gets its weight's part.
 */
export function evened(candidates: readonly Candidate[]): Candidate[] {
  return candidates.map((candidate) => {
    if (candidate.ipv6) return candidate;
    const tier = candidates.filter(({ tier }) => tier === candidate.tier);
    return { ...candidate, weight: candidate.weight * raised(tier) };
  });
}

function raised(tier: readonly Candidate[]): number {
  const sum = (some: readonly Candidate[]) => some.reduce((total, { weight }) => total + weight, 0);
  const withIpv6 = sum(tier.filter(({ ipv6 }) => ipv6));
  const without = sum(tier) - withIpv6;
  if (withIpv6 === 0) return 1;
  // What mirrors with IPv6 are still to get, of the viewers over IPv4.
  const part = (withIpv6 / (withIpv6 + without) - IPV6_VIEWERS) / (1 - IPV6_VIEWERS);
  return part <= 0 ? MOST_RAISED : Math.min(MOST_RAISED, ((1 / part - 1) * withIpv6) / without);
}
