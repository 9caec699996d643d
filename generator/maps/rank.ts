import { countryOf } from '../../core/countries.ts';
import { greatCircleKm } from '../../core/great-circle.ts';
import type { Place } from '../../core/mirror.ts';
import { prefixesOf } from '../../core/networks.ts';

/** Where viewers are. */
export interface Region {
  /** ISO 3166-1 or 3166-2, or `DEFAULT_REGION`. */
  readonly code: string;
  /** ISO 3166-1; null for viewers who may be anywhere. */
  readonly country: string | null;
  /** Degrees; null where `country` is. */
  readonly middle: { readonly latitude: number; readonly longitude: number } | null;
  /** The prefix of `networkOf` that all of them share, where the region is a network and not a place. */
  readonly network?: string;
}

/** An access point as ranking sees it. */
export interface Ranked {
  readonly number: number;
  readonly places: readonly Place[];
  readonly weight: number;
  readonly ipv6: boolean;
  /** A sentence where viewers must not be sent there: drained, down for long. */
  readonly unfit: string | null;
  /** ISO 3166-1 codes of the countries whose viewers it wants alone, or does not want. */
  readonly only?: readonly string[] | undefined;
  readonly never?: readonly string[] | undefined;
  /** In CIDR form: the networks that it serves alone. */
  readonly networks?: readonly string[] | undefined;
}

export interface Candidate {
  readonly number: number;
  readonly tier: number;
  readonly weight: number;
  readonly ipv6: boolean;
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
 * share load by weight. A point's tier depends on nothing but that point, so adding a mirror changes no other's.
 */
export function rank(region: Region, points: readonly Ranked[]): Ranking {
  const excluded: { number: number; reason: string }[] = [];
  const accepted: Candidate[] = [];
  for (const point of points) {
    const reason = point.unfit ?? unwanted(region, point);
    if (reason !== null) excluded.push({ number: point.number, reason });
    else {
      const { number, weight, ipv6 } = point;
      accepted.push({ number, weight, ipv6, ...placeIn(region, point) });
    }
  }
  const nearness = (a: Candidate, b: Candidate) => a.tier - b.tier || a.distanceKm - b.distanceKm;
  // Equally near ones are ordered by a hash of region and point, so that not the same few are near for everybody.
  const lot = new Map(accepted.map((c) => [c.number, lotOf(region.code, c.number)]));
  accepted.sort(
    (a, b) => nearness(a, b) || (lot.get(a.number) as number) - (lot.get(b.number) as number) || a.number - b.number,
  );
  return { accepted, excluded };
}

/** Why a mirror does not want this region's viewers. Viewers who may be anywhere may be where it does not want them. */
function unwanted({ country, network }: Region, { only, never, networks }: Ranked): string | null {
  if (networks !== undefined && !isWithin(network, networks)) return 'serves its own networks alone';
  if (only !== undefined && (country === null || !only.includes(country))) {
    return `wants viewers in ${only.join(', ')} alone`;
  }
  if (never !== undefined && (country === null || never.includes(country))) {
    return `wants no viewers in ${never.join(', ')}`;
  }
  return null;
}

function isWithin(network: string | undefined, networks: readonly string[]): boolean {
  return network !== undefined && prefixesOf(networks).some((prefix) => network.startsWith(prefix));
}

function placeIn({ code, country, middle }: Region, point: Ranked): { tier: number; distanceKm: number } {
  // Tier 0 is its own in the table of a network: that is no country.
  if (middle === null || point.networks !== undefined) return { tier: 0, distanceKm: 0 };
  const places = point.places.map((place) => {
    const km = greatCircleKm(middle, place);
    const ring = 1 + Math.floor(Math.log2(1 + km / FIRST_RING_KM));
    const tier = code === country ? (place.country === country ? 0 : ring) : tierInPart(country, place, ring);
    return { tier, distanceKm: Math.round(km) };
  });
  return places.reduce((best, one) =>
    one.tier < best.tier || (one.tier === best.tier && one.distanceKm < best.distanceKm) ? one : best,
  );
}

/**
 * In a part of a large country the near mirrors of that country come first, then its others, then those abroad by
 * their ring; but across thousands of kilometres the own country counts for nothing. Of a mirror that is only known to
 * be somewhere in the country, the distance is not known.
 */
function tierInPart(country: string | null, place: Place, ring: number): number {
  if (place.country !== country) return ring + 1;
  const middle = countryOf(place.country);
  if (middle?.latitude === place.latitude && middle.longitude === place.longitude) return 1;
  return ring === 1 ? 0 : ring <= 3 ? 1 : ring + 1;
}

/** 32 bits by which equals are ordered. */
export function lotOf(code: string, number: number): number {
  let h = number + 1;
  for (let i = 0; i < code.length; i++) h = Math.imul(h ^ code.charCodeAt(i), 0x85ebca6b) ^ (h >>> 13);
  return Math.imul(h ^ (h >>> 16), 0xc2b2ae35) >>> 0;
}
