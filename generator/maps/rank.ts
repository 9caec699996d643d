import { greatCircleKm } from '../../core/great-circle.ts';
import type { Place } from '../../core/mirror.ts';

/** Where a region's viewers are; `country` is null for the default region, whose viewers may be anywhere. */
export interface Region {
  readonly code: string;
  readonly country: { readonly latitude: number; readonly longitude: number } | null;
}

/** An access point as ranking sees it. */
export interface Ranked {
  readonly number: number;
  readonly id: string;
  readonly places: readonly Place[];
  readonly weight: number;
  /** A sentence where viewers must not be sent there: drained, failing, down. */
  readonly unfit: string | null;
}

export interface Candidate {
  readonly number: number;
  readonly tier: number;
  readonly weight: number;
  /** Great-circle distance from the region's middle to the mirror's nearest place, in km; 0 for the default region. */
  readonly distanceKm: number;
}

export interface Ranking {
  /** Best first. */
  readonly accepted: readonly Candidate[];
  readonly excluded: readonly { readonly number: number; readonly reason: string }[];
}

/** Tier 0 is the viewer's own country; from there on rings around it, each as wide as all before it. */
const FIRST_RING_KM = 500;

/**
 * Orders access points for a region: its own country first, then by distance, in tiers of comparable distance that
 * share load by weight. A point's tier depends on nothing but that point, so adding a far mirror changes nothing near.
 */
export function rank(region: Region, points: readonly Ranked[], mostCandidates: number): Ranking {
  const excluded: { number: number; reason: string }[] = [];
  const fit: Candidate[] = [];
  for (const point of points) {
    if (point.unfit !== null) excluded.push({ number: point.number, reason: point.unfit });
    else fit.push({ number: point.number, weight: point.weight, ...placeIn(region, point) });
  }
  const nearness = (a: Candidate, b: Candidate) => a.tier - b.tier || a.distanceKm - b.distanceKm;
  // Equally near ones are ordered by a hash of region and point, so that not the same few are near for everybody.
  const lot = new Map(fit.map((c) => [c.number, lotOf(region.code, c.number)]));
  fit.sort(
    (a, b) => nearness(a, b) || (lot.get(a.number) as number) - (lot.get(b.number) as number) || a.number - b.number,
  );
  const reason = `farther than the ${mostCandidates} nearest`;
  for (const { number } of fit.slice(mostCandidates)) excluded.push({ number, reason });
  return { accepted: fit.slice(0, mostCandidates), excluded };
}

function placeIn(region: Region, point: Ranked): { tier: number; distanceKm: number } {
  const { country, code } = region;
  if (country === null) return { tier: 0, distanceKm: 0 };
  const distances = point.places.map((place) => greatCircleKm(country, place));
  const distanceKm = Math.round(Math.min(...distances));
  const sameCountry = point.places.some((place) => place.country === code);
  return { tier: sameCountry ? 0 : 1 + Math.floor(Math.log2(1 + distanceKm / FIRST_RING_KM)), distanceKm };
}

function lotOf(code: string, number: number): number {
  let h = number + 1;
  for (let i = 0; i < code.length; i++) h = Math.imul(h ^ code.charCodeAt(i), 0x85ebca6b) ^ (h >>> 13);
  return Math.imul(h ^ (h >>> 16), 0xc2b2ae35) >>> 0;
}
