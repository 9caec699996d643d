import { DEFAULT_REGION } from '../../core/edge-keys.ts';
import type { Dealer } from './dealing.ts';
import type { Candidate, Ranking, Region } from './rank.ts';
import type { Shard } from './shards.ts';

/** The rankings of one region. */
export interface RankedRegion {
  readonly region: Region;
  readonly https: Ranking;
  readonly http: Ranking;
}

/** Regions whose viewers share tables. */
export interface ZoneTables {
  /** The code of the first of its regions. */
  readonly name: string;
  readonly regions: readonly string[];
  /** As many for http as for https. */
  readonly https: readonly Shard[];
  readonly http: readonly Shard[];
}

/** How fine the zones are: what is spent for even shares and for parts of countries. */
export interface Fineness {
  /** Shards, at most, where the nearest tier is the viewers' own country. */
  readonly ownShards: number;
  /** Shards, at most, where it is abroad. */
  readonly farShards: number;
  /** Whether parts of large countries may have tables of their own. */
  readonly parts: boolean;
  /** Whether regions with equal tables share them: it costs a place in the list of zones. */
  readonly shared: boolean;
}

/**
 * Regions with equal tables in one zone, if the same mirrors want none of their viewers: the next build may find room for
 * these, and an old list of zones must not lead there who is unwanted. A part of a country joins those parts of it, or the country itself, that have
 * the same nearest tier: what comes behind it is reached too seldom for tables of its own.
 */
export function zonesOf(ranked: readonly RankedRegion[], fineness: Fineness, dealer: Dealer): ZoneTables[] {
  const zones = new Map<string, { tables: Omit<ZoneTables, 'regions'>; regions: string[] }>();
  const tierOf = new Map(ranked.map((one) => [one.region.code, nearestTier(one)]));
  for (const one of ranked) {
    const { code, country } = one.region;
    const isPart = country !== null && code !== country;
    const tier = tierOf.get(code) as string;
    if (isPart && (!fineness.parts || tier === tierOf.get(country))) continue;
    const tables = tablesOf(one, isPart, fineness, dealer);
    const key = isPart
      ? `${country} ${tier}`
      : code === DEFAULT_REGION || !fineness.shared
        ? code
        : JSON.stringify([
            [tables.https, tables.http].map((shards) => shards.map((shard) => shard.map(signature))),
            [one.https, one.http].map(({ excluded }) => excluded.map(({ number }) => number)),
          ]);
    const zone = zones.get(key);
    if (zone === undefined) zones.set(key, { tables, regions: [code] });
    else zone.regions.push(code);
  }
  return [...zones.values()].map(({ tables, regions }) => ({ ...tables, regions }));
}

function tablesOf({ region, https, http }: RankedRegion, isPart: boolean, fineness: Fineness, dealer: Dealer) {
  const tier = Math.min(...[https, http].map(({ accepted }) => accepted[0]?.tier ?? 99));
  const most = tier <= (isPart ? 1 : 0) ? fineness.ownShards : fineness.farShards;
  const accepted = { https: https.accepted, http: http.accepted };
  return { name: region.code, ...dealer.shards(accepted, most, region.code, region.country ?? '') };
}

/** What a table says of a candidate: not how far it is. */
function signature({ number, tier, weight }: Candidate): readonly number[] {
  return [number, tier, weight];
}

function nearestTier({ https, http }: RankedRegion): string {
  const nearest = [https, http].map(({ accepted }) =>
    accepted
      .filter(({ tier }) => tier === accepted[0]?.tier)
      .map(({ number, weight }) => `${number}:${weight}`)
      .sort(),
  );
  return nearest.join(' ');
}

/** The zones as `meta` lists them, for `zoneOf` of core/edge-keys.ts. */
export function zoneList(zones: readonly ZoneTables[]): string {
  return zones
    .filter(({ https, regions }) => https.length > 1 || regions.length > 1 || /^..-/.test(regions[0] as string))
    .map(({ https, name, regions }) => {
      const isPart = /^[A-Z]{2}-/.test(name);
      const members = isPart ? regions.map((code, i) => (i === 0 ? code : code.slice(2))) : regions;
      return `${members.join('')}${https.length > 1 ? https.length : ''}`;
    })
    .join(',');
}
