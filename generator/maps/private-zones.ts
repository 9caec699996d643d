import type { Place } from '../../core/mirror.ts';
import { MOST_PREFIX_BYTES, prefixesOf } from '../../core/networks.ts';
import { type Ranked, type Region, rank } from './rank.ts';
import { freshCut, shardsOf } from './shards.ts';
import type { ZoneTables } from './zones.ts';

/**
 * A zone for each prefix that mirrors serve alone: these mirrors, then public ones by their distance from the first of
 * them. It is named by the prefix, so that keys of two builds never mix up whose network a table is for. What
 * there is no room for (`parseOverrides` refuses it) gets no zone, and so no viewers.
 */
export function privateZones(points: { readonly https: readonly Ranked[]; readonly http: readonly Ranked[] }) {
  const places = new Map<string, Place>();
  for (const {
    unfit,
    networks,
    places: [place],
  } of [...points.https, ...points.http]) {
    if (unfit !== null || networks === undefined) continue;
    for (const prefix of prefixesOf(networks)) if (!places.has(prefix)) places.set(prefix, place as Place);
  }
  let left = MOST_PREFIX_BYTES;
  const zones: ZoneTables[] = [];
  for (const [prefix, middle] of [...places].sort(([a], [b]) => (a < b ? -1 : 1))) {
    left -= prefix.length + 1;
    if (left < 0) break;
    // Who is in the network may be in any country.
    const region: Region = { code: prefix, country: null, middle, network: prefix };
    const shards = (some: readonly Ranked[]) => {
      const { accepted } = rank(region, some);
      return shardsOf(freshCut(accepted, 1), accepted);
    };
    zones.push({ name: `${prefix}*`, regions: [], https: shards(points.https), http: shards(points.http) });
  }
  return zones;
}

/** Their names as they stand before the list of all other zones, for `privateZoneOf` of core/edge-keys.ts. */
export function privateList(zones: readonly ZoneTables[]): string {
  return zones.length === 0 ? '' : `,${zones.map(({ name }) => name.replace('*', ',')).join('')}`;
}
