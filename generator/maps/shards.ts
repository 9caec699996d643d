import { MOST_CANDIDATES } from '../../core/edge-keys.ts';
import { type Candidate, lotOf } from './rank.ts';

/** What one shard's viewers may be sent to, at most `MOST_CANDIDATES`. */
export type Shard = readonly Candidate[];

/** Among them a place for whoever steps in when all others are down. */
const MOST_OF_TIER = MOST_CANDIDATES - 1;

/**
 * Deals the nearest tier to shards of equal size: the mirrors lie on a line, each as long as its weight, and the line
 * is cut into equal pieces. A mirror that lies across a cut is in both shards, with what lies there as its weight, so
 * that its share of all viewers is its share of the tier's weight. Places that are left get the next best. `accepted`
 * is best first; the shards are as few as it takes, from `fewest` on, so that each mirror has many that step in for it.
 * Where that were more than `most`, the farthest of the tier wait behind.
 */
export function shardsOf(accepted: readonly Candidate[], most: number, fewest = 1): Shard[] {
  const nearest = accepted.filter(({ tier }) => tier === accepted[0]?.tier);
  for (let count = nearest.length; count > 0; count--) {
    const tier = mixed(nearest.slice(0, count));
    for (let shards = fewest; shards <= most; shards++) {
      const pieces = cut(tier, shards);
      if (pieces.every((piece) => piece.length <= (shards === 1 ? MOST_CANDIDATES : MOST_OF_TIER))) {
        return pieces.map((piece, i) => filled(piece, rotated(tier, i / shards), accepted));
      }
    }
  }
  return Array.from({ length: fewest }, () => []);
}

/**
 * In the order of their lots; but those with IPv6 and those without lie evenly among each other, so that no shard's
 * viewers over IPv6 are left to one mirror.
 */
function mixed(tier: readonly Candidate[]): Candidate[] {
  const drawn = tier.toSorted((a, b) => lotOf('', a.number) - lotOf('', b.number) || a.number - b.number);
  const placed = [true, false].flatMap((ipv6) => {
    const family = drawn.filter((candidate) => candidate.ipv6 === ipv6);
    const length = family.reduce((sum, { weight }) => sum + weight, 0);
    let start = 0;
    return family.map((candidate) => {
      const middle = (start + candidate.weight / 2) / length;
      start += candidate.weight;
      return { candidate, middle };
    });
  });
  return placed.sort((a, b) => a.middle - b.middle).map(({ candidate }) => candidate);
}

function cut(tier: readonly Candidate[], shards: number): Candidate[][] {
  const length = tier.reduce((sum, { weight }) => sum + weight, 0) / shards;
  const pieces = Array.from({ length: shards }, (): Candidate[] => []);
  let start = 0;
  for (const candidate of tier) {
    const end = start + candidate.weight;
    for (let i = Math.floor(start / length); i < shards && i * length < end; i++) {
      const weight = Math.min(end, (i + 1) * length) - Math.max(start, i * length);
      // Thinner slices are the rounding of a cut beside a mirror's end.
      if (weight > candidate.weight / 1000) (pieces[i] as Candidate[]).push({ ...candidate, weight });
    }
    start = end;
  }
  return pieces;
}

/** The others of the tier take the place of fallen ones as a tier behind, those of the next shard first. */
function filled(piece: readonly Candidate[], others: readonly Candidate[], accepted: readonly Candidate[]): Shard {
  const inside = new Set(piece.map(({ number }) => number));
  const ofTier = new Set(others.map(({ number }) => number));
  const behind = others.filter(({ number }) => !inside.has(number));
  const beyond = accepted.filter(({ number }) => !ofTier.has(number));
  const nextBest = [...behind, ...beyond].map((c) => ({
    ...c,
    tier: Math.max(c.tier, (piece[0] as Candidate).tier + 1),
  }));
  return [...piece, ...nextBest].slice(0, MOST_CANDIDATES);
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const at = Math.floor(items.length * by);
  return [...items.slice(at), ...items.slice(0, at)];
}
