import { CANDIDATE_LINE } from '../core/edge-keys.ts';
import type { EdgeRequest } from './request.ts';

/** An access point as a table names it. */
export interface Candidate {
  /** Its number: a bit of `meta`. */
  readonly accessPoint: number;
  readonly tier: number;
  readonly weight: number;
  readonly ipv6: boolean;
  /** Host, port and path with a trailing slash; the scheme is the table's. */
  readonly root: string;
}

/**
 * The holders of a class that a table names: a line for each candidate, then for each class of the page a mask of two
 * hex digits, bit n for line n. `classIndex` is the class's place in the page, or -1 where all lines hold it.
 * Lines that are not of the form are left out.
 */
export function readCandidates(table: string, classIndex: number): Candidate[] {
  const lines = table.split('\n');
  const masks = lines[lines.length - 1] as string;
  const mask = classIndex < 0 ? 255 : parseInt(masks.slice(2 * classIndex, 2 * classIndex + 2), 16);
  const candidates: Candidate[] = [];
  for (let i = 0; i < lines.length - 1 && i < 8; i++) {
    const match = (mask >> i) % 2 === 1 ? CANDIDATE_LINE.exec(lines[i] as string) : null;
    if (match !== null) {
      candidates.push({
        accessPoint: parseInt(match[1] as string, 36),
        tier: Number(match[2]),
        weight: Number(match[3]),
        ipv6: (match[4] as string).indexOf('6') >= 0,
        root: match[5] as string,
      });
    }
  }
  return candidates;
}

/**
 * The live candidate of the best tier; within a tier weighted rendezvous on the viewer's network (the highest
 * `weight / -ln(u)`, u uniform by hash), so that a viewer keeps its mirror while that is valid. IPv6 viewers get
 * IPv6 access points where any holds the object.
 */
export function choose(candidates: Candidate[], up: string, request: EdgeRequest): Candidate | null {
  let best: Candidate | null = null;
  let bestRank = -1;
  let bestScore = -1;
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i] as Candidate;
    if (!isUp(up, candidate.accessPoint)) {
      continue;
    }
    const rank = 1000 - candidate.tier + (request.ipv6 && candidate.ipv6 ? 1000 : 0);
    const score = candidate.weight / -Math.log(uniform(request.networkHash, candidate.accessPoint));
    if (rank > bestRank || (rank === bestRank && score > bestScore)) {
      best = candidate;
      bestRank = rank;
      bestScore = score;
    }
  }
  return best;
}

function isUp(up: string, accessPoint: number): boolean {
  const digit = parseInt(up.charAt(accessPoint >> 2), 16);
  return (digit >> (3 - (accessPoint & 3))) % 2 === 1;
}

/** A number in (0, 1) from two: the finaliser of MurmurHash3 over both. */
function uniform(networkHash: number, accessPoint: number): number {
  let h = networkHash ^ Math.imul(accessPoint + 1, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (((h ^ (h >>> 16)) >>> 0) + 0.5) / 4294967296;
}
