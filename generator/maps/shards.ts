import { MOST_CANDIDATES } from '../../core/edge-keys.ts';
import type { Pieces } from '../../core/formats/map-file.ts';
import { type Candidate, lotOf } from './rank.ts';

/** What one shard's viewers may be sent to, at most `MOST_CANDIDATES`. */
export type Shard = readonly Candidate[];

/** How the viewers of a tier are dealt to its mirrors. */
export interface Cut {
  /** In the order of `mixed`. */
  readonly tier: readonly Candidate[];
  readonly pieces: Pieces;
}

/** Among them a place for whoever steps in when all others are down. */
const MOST_OF_TIER = MOST_CANDIDATES - 1;

/**
 * Deals the nearest tier to pieces of equal size: the mirrors lie on a line, each as long as its weight, and the line
 * is cut. A mirror that lies across a cut is in both pieces, with what lies there as its part, so that its share of all
 * viewers is its share of the tier's weight. `accepted` is best first; the pieces are as few as it takes, from `fewest`
 * on, so that each mirror has many that step in for it. Where that were more than `most`, the farthest of the tier are
 * left out.
 */
export function freshCut(accepted: readonly Candidate[], most: number, fewest = 1): Cut {
  const nearest = accepted.filter(({ tier }) => tier === accepted[0]?.tier);
  for (let count = nearest.length; count > 0; count--) {
    const tier = mixed(nearest.slice(0, count));
    for (const full of [MOST_OF_TIER, MOST_CANDIDATES]) {
      for (let shards = fewest; shards <= most; shards++) {
        const pieces = cut(tier, shards);
        if (pieces.every(({ length }) => length <= (shards === 1 ? MOST_CANDIDATES : full))) return { tier, pieces };
      }
    }
  }
  return { tier: [], pieces: Array.from({ length: fewest }, () => []) };
}

/** The pieces as tables: their mirrors by their parts; places that are left get the next best. */
export function shardsOf({ tier, pieces }: Cut, accepted: readonly Candidate[]): Shard[] {
  const byNumber = new Map(tier.map((candidate) => [candidate.number, candidate]));
  const length = lengthOf(tier);
  return pieces.map((piece, i) => {
    const dealt = piece.map(([number, part]) => ({
      ...(byNumber.get(number) as Candidate),
      weight: Number((part * length).toPrecision(5)),
    }));
    return filled(dealt, rotated(tier, i / pieces.length), accepted);
  });
}

function lengthOf(tier: readonly Candidate[]): number {
  return tier.reduce((sum, { weight }) => sum + weight, 0);
}

/**
 * In the order of their lots; but those with IPv6 and those without lie evenly among each other, so that no shard's
 * viewers over IPv6 are left to one mirror.
 */
function mixed(tier: readonly Candidate[]): Candidate[] {
  const drawn = tier.toSorted((a, b) => lotOf('', a.number) - lotOf('', b.number) || a.number - b.number);
  const kindOf = ({ ipv6, weight }: Candidate) => `${ipv6} ${weight}`;
  const placed = [...new Set(drawn.map(kindOf))].flatMap((kind) => {
    const family = drawn.filter((candidate) => kindOf(candidate) === kind);
    const length = lengthOf(family);
    let start = 0;
    return family.map((candidate) => {
      const middle = (start + candidate.weight / 2) / length;
      start += candidate.weight;
      return { candidate, middle };
    });
  });
  return placed.sort((a, b) => a.middle - b.middle).map(({ candidate }) => candidate);
}

function cut(tier: readonly Candidate[], shards: number): Pieces {
  const length = lengthOf(tier);
  const pieces = Array.from({ length: shards }, (): [number, number][] => []);
  let start = 0;
  for (const { number, weight } of tier) {
    const own = weight / length;
    const end = start + own;
    for (let i = Math.floor(start * shards); i < shards && i / shards < end; i++) {
      const part = Math.min(end, (i + 1) / shards) - Math.max(start, i / shards);
      // Thinner slices are the rounding of a cut beside a mirror's end.
      if (part > own / 1000) (pieces[i] as [number, number][]).push([number, part]);
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
