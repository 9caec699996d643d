import { CANDIDATE_LINE, decodeMask, MOST_CANDIDATES } from '../core/edge-keys.ts';
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
  /** It holds what the link leads to and not the link, so the redirect names that. */
  readonly isAlias: boolean;
  /** Why nobody is sent there: it does not hold the object, or is down; '' where it may be chosen. */
  readonly whyNot: string;
}

/**
 * The candidates that a table names, none without a table: a line for each, then a mask for each class, bit n for line n. `classId` is the
 * object's, `aliasClassId` that of the file that its link leads to: 0 = nobody, -1 = all lines hold it. `up` are the bits of
 * `meta`. Lines that are not of the form are left out, and a line in the masks' place says that nobody holds anything.
 */
export function readCandidates(
  table: string | null,
  classId: number,
  aliasClassId: number,
  up: string,
  ipv6: boolean,
): Candidate[] {
  const lines = (table || '').split('\n');
  const last = lines[lines.length - 1] as string;
  const masks = last.indexOf(' ') < 0 ? last : '';
  const mask = maskOf(masks, classId);
  const aliasMask = maskOf(masks, aliasClassId);
  const candidates: Candidate[] = [];
  for (let i = 0; i < lines.length - 1 && i < MOST_CANDIDATES; i++) {
    const match = CANDIDATE_LINE.exec(lines[i] as string);
    if (match !== null) {
      const accessPoint = parseInt(match[1] as string, 36);
      candidates.push({
        accessPoint: accessPoint,
        tier: Number(match[2]),
        weight: Number(match[3]),
        ipv6: (match[4] as string).indexOf('6') >= 0,
        root: match[5] as string,
        isAlias: ((mask >> i) & 1) === 0,
        whyNot:
          (((mask | aliasMask) >> i) & 1) === 0
            ? 'does not hold it'
            : !isUp(up, accessPoint)
              ? 'down'
              : match[4] === '6' && !ipv6
                ? 'has IPv6 alone'
                : '',
      });
    }
  }
  return candidates;
}

function maskOf(masks: string, classId: number): number {
  return classId > 0 ? decodeMask(masks, classId) : classId;
}

/**
 * The live holders, best first: by tier; within a tier weighted rendezvous on the viewer's network (the lowest
 * `-ln(u) / weight`, u uniform by hash), so that a viewer keeps its mirror while that is valid. IPv6 viewers get
 * IPv6 access points where any holds the object.
 */
export function inOrder(candidates: Candidate[], request: EdgeRequest): Candidate[] {
  const ordered: Candidate[] = [];
  const places: number[] = [];
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i] as Candidate;
    if (candidate.whyNot !== '') {
      continue;
    }
    const draw = -Math.log(uniform(request.networkHash, candidate.accessPoint)) / candidate.weight;
    // The draw, from 0 to infinity, as a part of the step to the next tier.
    const place = candidate.tier + (request.ipv6 && candidate.ipv6 ? 0 : 1000) + 1 - 1 / (1 + draw);
    let at = ordered.length;
    while (at > 0 && place < (places[at - 1] as number)) {
      ordered[at] = ordered[at - 1] as Candidate;
      places[at] = places[at - 1] as number;
      at--;
    }
    ordered[at] = candidate;
    places[at] = place;
  }
  return ordered;
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
