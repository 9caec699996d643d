import { MOST_CANDIDATES } from '../../core/edge-keys.ts';
import type { Pieces } from '../../core/formats/map-file.ts';
import type { Candidate } from './rank.ts';

/** A mirror's share of the viewers stays between its weight's part divided by this, and times this. */
export const MOST_UNEVEN = 1.5;
/** With fewer in a piece, those that step in for one get too many viewers each. */
const FEW_IN_PIECE = 3;
/** So far off nobody's share is changed for the sake of evenness. */
const LEFT_UNEVEN = 1.25;
/** Parts below this of a mirror's share are given up: its place may serve another. */
const THIN = 0.02;
const ROUNDS = 60;
const MOST_ADDED = 6;

/** By piece: access point number → its part of all viewers. */
type Parts = Map<number, number>[];
/** By number: the part of all viewers that its weight is. */
type Shares = ReadonlyMap<number, number>;

/**
 * Deals the viewers of pieces to a tier that is no longer quite theirs, so that few of them move: who has gone leaves his
 * part to his pieces, who is new gets a part of some. Null where that would be too uneven, or has no room: then the tier
 * has to be cut anew.
 */
export function redealt(before: Pieces, tier: readonly Candidate[]): Pieces | null {
  const length = tier.reduce((sum, { weight }) => sum + weight, 0);
  const shares: Shares = new Map(tier.map(({ number, weight }) => [number, weight / length]));
  const parts: Parts = before.map((piece) => new Map(piece.filter(([number]) => shares.has(number))));
  for (const { number, ipv6 } of tier) {
    if (!parts.some((piece) => piece.has(number)) && !admitted(parts, number, shares, isWithIpv6(tier, ipv6)))
      return null;
  }
  for (const piece of parts) {
    while (piece.size > MOST_CANDIDATES) if (!evicted(parts, piece)) return null;
  }
  for (const piece of parts) {
    while (piece.size < Math.min(FEW_IN_PIECE, tier.length)) lend(parts, piece, shares);
  }
  let even = evened(parts, shares);
  for (let i = 0; i < MOST_ADDED && unevenness(even, shares) > MOST_UNEVEN; i++) {
    if (!helped(even, shares)) return null;
    even = evened(even, shares);
  }
  return unevenness(even, shares) > MOST_UNEVEN
    ? null
    : even.map((piece) => [...piece].map(([n, part]) => [n, rounded(part)]));
}

/** Each piece as so many equal ones: nobody moves. */
export function split(pieces: Pieces, into: number): Pieces {
  return pieces.flatMap((piece) =>
    Array.from({ length: into }, () => piece.map(([n, part]) => [n, part / into] as const)),
  );
}

/** Every two neighbours as one: who lay in one of them has half of its viewers. */
export function merged(pieces: Pieces): Pieces {
  return Array.from({ length: pieces.length / 2 }, (_, i) => {
    const both: Parts[number] = new Map();
    for (const [n, part] of [...(pieces[2 * i] ?? []), ...(pieces[2 * i + 1] ?? [])])
      both.set(n, (both.get(n) ?? 0) + part);
    return [...both];
  });
}

function isWithIpv6(tier: readonly Candidate[], ipv6: boolean): ReadonlySet<number> {
  return new Set(tier.filter((one) => one.ipv6 === ipv6).map(({ number }) => number));
}

/**
 * Gives a newcomer its part: in all pieces that have a place besides the one for whoever steps in; or else in the one
 * with the fewest mirrors for its viewers that has any place, or where one can be made.
 */
function admitted(parts: Parts, number: number, shares: Shares, family: ReadonlySet<number>): boolean {
  const roomy = parts.filter((piece) => piece.size < MOST_CANDIDATES - 1);
  const inFamily = (piece: Parts[number]) => [...piece.keys()].filter((n) => family.has(n)).length;
  const byNeed = parts.toSorted((a, b) => load(b, parts, shares) - load(a, parts, shares) || inFamily(a) - inFamily(b));
  const one = byNeed.find((piece) => piece.size < MOST_CANDIDATES) ?? byNeed.find((piece) => evicted(parts, piece));
  const into = roomy.length > 0 ? roomy : one === undefined ? [] : [one];
  const share = shares.get(number) as number;
  // Of a piece that is larger by it for the moment, it is the newcomer's part.
  const part = Math.min(share / into.length, 0.8 / parts.length);
  for (const piece of into) piece.set(number, part / (1 - part * parts.length));
  return into.length > 0;
}

/** How much more than their shares the mirrors of a piece get. */
function load(piece: Parts[number], parts: Parts, shares: Shares): number {
  let [got, due] = [0, 0];
  for (const [n, part] of piece) {
    got += part;
    due += (part / totalOf(parts, n)) * (shares.get(n) as number);
  }
  return due === 0 ? Number.POSITIVE_INFINITY : got / due;
}

function totalOf(parts: Parts, number: number): number {
  return parts.reduce((sum, piece) => sum + (piece.get(number) ?? 0), 0);
}

/** Takes from a piece whom the fewest of its viewers have that lies in others too; false where there is none. */
function evicted(parts: Parts, piece: Parts[number]): boolean {
  const elsewhere = [...piece].filter(([n]) => parts.some((other) => other !== piece && other.has(n)));
  const [least] = elsewhere.sort(([, a], [, b]) => a - b);
  if (least !== undefined) piece.delete(least[0]);
  return least !== undefined;
}

/** Puts who gets least of its share into the piece whose mirrors get most; false where none has a place. */
function helped(parts: Parts, shares: Shares): boolean {
  const [number] = poorestFirst(parts, shares)[0] as readonly [number, number];
  const [rich] = parts
    .filter((piece) => piece.size < MOST_CANDIDATES && !piece.has(number))
    .sort((a, b) => load(b, parts, shares) - load(a, parts, shares));
  if (rich !== undefined) lend(parts, rich, shares);
  return rich !== undefined;
}

/** Puts who gets least of its share, of those that are not in it, into a piece. */
function lend(parts: Parts, piece: Parts[number], shares: Shares): void {
  const [number, share] = poorestFirst(parts, shares).find(([n]) => !piece.has(n)) as readonly [number, number];
  piece.set(number, Math.min(share / 2, 0.5 / parts.length));
}

function poorestFirst(parts: Parts, shares: Shares): (readonly [number: number, share: number])[] {
  return [...shares].sort(([a, due], [b, dueB]) => totalOf(parts, a) / due - totalOf(parts, b) / dueB);
}

/**
 * Parts near to these of which every piece is as large as the others and no mirror's share is far off, by iterative
 * proportional fitting; where that is not possible, the pieces are.
 * https://en.wikipedia.org/wiki/Iterative_proportional_fitting
 */
function evened(parts: Parts, shares: Shares): Parts {
  let fitted = fittedTo(parts, shares);
  const kept = fitted.map(
    (piece) =>
      new Map([...piece].filter(([n, part]) => part >= THIN * (shares.get(n) as number) || part === most(fitted, n))),
  );
  if (kept.some((piece, i) => piece.size < (fitted[i] as Parts[number]).size)) fitted = fittedTo(kept, shares);
  return fitted;
}

function most(parts: Parts, number: number): number {
  return Math.max(...parts.map((piece) => piece.get(number) ?? 0));
}

function fittedTo(parts: Parts, shares: Shares): Parts {
  let now = parts;
  for (let round = 0; round < ROUNDS; round++) {
    const factors = new Map([...shares].map(([n, due]) => [n, factor(totalOf(now, n) / due)]));
    now = now.map((piece) => {
      const scaled = [...piece].map(([n, part]) => [n, part * (factors.get(n) as number)] as const);
      const sum = scaled.reduce((all, [, part]) => all + part, 0);
      return new Map(scaled.map(([n, part]) => [n, part / sum / parts.length]));
    });
  }
  return now;
}

/** What brings a share that is so many times too large to where it is left. */
function factor(times: number): number {
  return times > LEFT_UNEVEN ? LEFT_UNEVEN / times : times < 1 / LEFT_UNEVEN ? 1 / LEFT_UNEVEN / times : 1;
}

/** How far off the mirror's share is that is farthest off: 1 = all are even. A piece without mirrors is as uneven as can be. */
function unevenness(parts: Parts, shares: Shares): number {
  if (shares.size > 0 && parts.some((piece) => piece.size === 0)) return Number.POSITIVE_INFINITY;
  return Math.max(1, ...[...shares].map(([n, due]) => Math.max(totalOf(parts, n) / due, due / totalOf(parts, n))));
}

function rounded(part: number): number {
  return Number(part.toPrecision(5));
}
