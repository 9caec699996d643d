import { allSubdivisions } from '../../core/subdivisions.ts';
import type { ViewerEvent } from '../../edge-shim/request.ts';
import { seeded } from '../../test/synthetic.ts';
import type { Populace } from './population.ts';

/** Of all viewers; assumed, and stated beside the figures. */
export const SHARES = { https: 0.95, ipv6: 0.45, knownPart: 0.8 } as const;

/** A viewer: from where it asks, and its event but for the path. */
export interface Viewer {
  /** ISO 3166-1 or 3166-2. */
  readonly region: string;
  readonly event: Omit<ViewerEvent, 'uri'>;
}

const noQuery = {};

/**
 * Viewers at random, the same for the same seed: countries by their people, parts of large countries evenly, networks
 * anywhere in the unicast ranges.
 */
export function viewersFrom(seed: number, countries: readonly Populace[]): () => Viewer {
  const random = seeded(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  let total = 0;
  const ends = countries.map(({ people }) => {
    total += people;
    return total;
  });
  const partsOf = new Map<string, string[]>();
  for (const { code, country } of allSubdivisions()) partsOf.set(country, [...(partsOf.get(country) ?? []), code]);
  const ipv6 = () => {
    const prefix = [0x2000 + below(0x2000), below(0x10000), below(0x10000), below(0x10000)];
    return `${prefix.map((part) => part.toString(16)).join(':')}::1`;
  };
  return () => {
    const { code } = countries[placeOf(ends, random() * total)] as Populace;
    const parts = partsOf.get(code);
    const part = parts !== undefined && random() < SHARES.knownPart ? parts[below(parts.length)] : undefined;
    return {
      region: part ?? code,
      event: {
        method: 'GET',
        query: noQuery,
        ip: random() < SHARES.ipv6 ? ipv6() : `${1 + below(223)}.${below(256)}.${below(256)}.9`,
        country: code,
        subdivision: part?.slice(3) ?? '',
        forwardedProto: random() < SHARES.https ? 'https' : 'http',
      },
    };
  };
}

/** The first place whose end lies beyond a value. */
function placeOf(ends: readonly number[], value: number): number {
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ends[middle] as number) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
