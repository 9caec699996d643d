import { MOST_CLASSES } from '../../core/edge-keys.ts';
import type { Dealing, RegionMap, SchemeMap } from '../../core/formats/map-file.ts';
import type { PresenceClass } from './class-ids.ts';
import { Dealer } from './dealing.ts';
import { type Evidence, isUp, type Known, rankedOf } from './evidence.ts';
import { evened } from './families.ts';
import { holderKeys } from './holders.ts';
import { privateList, privateZones } from './private-zones.ts';
import { type Ranked, type Ranking, type Region, rank } from './rank.ts';
import { bytesOf, fitting, type Keys, masksOf, shardKey, type Target, type Targets } from './region-keys.ts';
import type { Shard } from './shards.ts';
import { type Fineness, type RankedRegion, type ZoneTables, zoneList, zonesOf } from './zones.ts';

type Scheme = 'https' | 'http';
const SCHEMES: readonly Scheme[] = ['https', 'http'];

export interface TablesInput {
  readonly known: readonly Known[];
  readonly classes: readonly PresenceClass[];
  /** By class id: how many objects are of it. */
  readonly classUse: Uint32Array;
  readonly regions: readonly Region[];
  readonly epoch: string;
  readonly nowMs: number;
  /** How long the list of zones may be. */
  readonly mostListBytes: number;
  /** Of the build before; null for the first. */
  readonly dealing: Dealing | null;
}

export interface EdgeTables {
  readonly regions: readonly RegionMap[];
  readonly zoneList: string;
  readonly keys: Keys;
  readonly dealing: Dealing;
}

/** The tables of all regions take no more of the store. */
export const MOST_TABLE_BYTES = 600_000;

/** Zones get finer than they were only where they take no more of the room than this: else each odd object could move viewers. */
const ROOM_TO_REFINE = 0.85;

/** From the finest zones to those that always fit. */
const FINENESSES: readonly Fineness[] = [
  { ownShards: 8, farShards: 4, parts: true, shared: true },
  { ownShards: 8, farShards: 2, parts: true, shared: true },
  { ownShards: 8, farShards: 1, parts: true, shared: true },
  { ownShards: 8, farShards: 1, parts: false, shared: true },
  { ownShards: 4, farShards: 1, parts: false, shared: true },
  { ownShards: 1, farShards: 1, parts: false, shared: true },
  { ownShards: 1, farShards: 1, parts: false, shared: false },
];

/** Every region's candidates, and the keys of the tables at the edge, as fine as the store has room for. */
export function edgeTables(input: TablesInput): EdgeTables {
  const points = { https: pointsOf(input, 'https'), http: pointsOf(input, 'http') };
  const ranked = input.regions.map((region) => ({
    region,
    https: rank(region, points.https),
    http: rank(region, points.http),
  }));
  const own = privateZones(points);
  const targets = (number: number) => input.known[number]?.evidence?.accessPoint as Target;
  const known = { ...input, isUp: (number: number) => isUp(input.known[number]?.evidence as Evidence) };
  for (const [i, fineness] of FINENESSES.entries()) {
    const isLast = i === FINENESSES.length - 1;
    const room = i < (input.dealing?.fineness ?? 0) ? ROOM_TO_REFINE : 1;
    const dealer = new Dealer(input.dealing);
    const zones = zonesOf(ranked, fineness, dealer).map((zone) => fittingZone(zone, targets));
    const list = privateList(own) + zoneList(zones);
    if (list.length > room * input.mostListBytes && !isLast) continue;
    const keys = tableKeys([...zones, ...own.map((zone) => fittingZone(zone, targets))], input, targets);
    if (bytesOf(keys) > room * MOST_TABLE_BYTES && !isLast) continue;
    const holders = SCHEMES.flatMap((scheme) => holderKeys(scheme, points[scheme], known, targets));
    const dealing = { fineness: i, tiers: dealer.tiers() };
    return { regions: regionMaps(ranked, zones, input), zoneList: list, keys: [...keys, ...holders], dealing };
  }
  throw new RangeError('no fineness fits');
}

function pointsOf({ known, nowMs }: TablesInput, scheme: Scheme): Ranked[] {
  return known.flatMap((one, number) => (one.point.protocol === scheme ? rankedOf(one, number, nowMs) : []));
}

function fittingZone(zone: ZoneTables, targets: Targets): ZoneTables {
  const cut = (shards: readonly Shard[]) => shards.map((shard) => evened(fitting(shard, targets, MOST_CLASSES)));
  return { ...zone, https: cut(zone.https), http: cut(zone.http) };
}

function tableKeys(zones: readonly ZoneTables[], input: TablesInput, targets: Targets): Keys {
  const keys: Keys = [];
  for (const zone of zones) {
    for (const scheme of SCHEMES) {
      zone[scheme].forEach((candidates, shard) => {
        const place = { epoch: input.epoch, zone: zone.name, scheme: scheme === 'https' ? 's' : 'h', shard };
        keys.push(shardKey(place, candidates, masksOf(candidates, input.classes), targets));
      });
    }
  }
  return keys;
}

function regionMaps(ranked: readonly RankedRegion[], zones: readonly ZoneTables[], input: TablesInput): RegionMap[] {
  const zoneOf = new Map(zones.flatMap((zone) => zone.regions.map((code) => [code, zone] as const)));
  return ranked.map(({ region, https, http }) => {
    const zone = (zoneOf.get(region.code) ?? zoneOf.get(region.country as string)) as ZoneTables;
    return {
      region: region.code,
      zone: zone.name,
      builtAtMs: input.nowMs,
      epoch: input.epoch,
      https: schemeMap(https, zone.https),
      http: schemeMap(http, zone.http),
    };
  });
}

function schemeMap({ accepted, excluded }: Ranking, shards: readonly Shard[]): SchemeMap {
  const used = new Set(shards.flatMap((shard) => shard.map(({ number }) => number)));
  const farther = accepted
    .filter(({ number }) => !used.has(number))
    .map(({ number }) => ({ number, reason: `farther than the ${used.size} nearest` }));
  return {
    candidates: accepted
      .filter(({ number }) => used.has(number))
      .map(({ number, tier, weight, distanceKm }) => ({ number, tier, weight, distanceKm })),
    excluded: [...excluded, ...farther],
    shards: shards.map((shard) => shard.map(({ number, tier, weight }) => ({ number, tier, weight }))),
  };
}
