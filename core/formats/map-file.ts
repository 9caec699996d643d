import type { Protocol } from '../mirror.ts';
import { columnBytes, PackedReader, pack, packCompressed } from './packed.ts';

const TABLE_FORMAT = 'redirector/objects';
const MAP_FORMAT = 'redirector/map';
const TABLE_VERSION = 1;
const MAP_VERSION = 2;

/** An access point as maps name it: by its number, which stays its own for as long as the epoch lasts. */
export interface NumberedAccessPoint {
  readonly id: string;
  readonly url: string;
  readonly protocol: Protocol;
  readonly mirrorId: string;
}

/** `output/maps/objects.msgpack`: which object is held by whom. */
export interface ObjectTable {
  readonly builtAtMs: number;
  /** A digit; all keys at the edge begin with it. A new one begins when numbers or ids change their meaning. */
  readonly epoch: string;
  readonly bucketCount: number;
  readonly accessPoints: readonly NumberedAccessPoint[];
  /** By class id: the numbers of the access points that hold its objects. Class 0 is empty. */
  readonly classes: readonly (readonly number[])[];
  /** By class id: since when no object is of it, in seconds; 0 = some is. */
  readonly unusedSinceS: Uint32Array;
  /** By class id: since when the tables at the edge name nobody for it, in seconds; 0 = they name its holders. */
  readonly retiredAtS: Uint32Array;
  /** Canonical paths, by object id. */
  readonly paths: readonly string[];
  /** By object id. */
  readonly classOf: Uint16Array;
  /** Null in tables of before it was kept. */
  readonly dealing: Dealing | null;
}

/** How the viewers were dealt to mirrors: the next build moves as few of them as it can. */
export interface Dealing {
  /** How fine the tables are: 0 is the finest. */
  readonly fineness: number;
  readonly tiers: readonly DealtTier[];
}

/** Regions that had the same nearest mirrors, and as many pieces for both schemes. */
export interface DealtTier {
  /** Equal where the mirrors, their weights and families are. */
  readonly key: string;
  readonly regions: readonly string[];
  readonly https: Pieces;
  readonly http: Pieces;
}

/** By shard: the mirrors, by access point number, each with its part of all viewers. */
export type Pieces = readonly (readonly (readonly [number: number, part: number])[])[];

export interface MapCandidate {
  readonly number: number;
  readonly tier: number;
  readonly weight: number;
  readonly distanceKm: number;
}

/** A candidate as one shard's viewers see it: where it lies in several shards, a part of its weight in each. */
export interface ShardCandidate {
  readonly number: number;
  readonly tier: number;
  readonly weight: number;
}

export interface SchemeMap {
  /** All of all shards, best first. */
  readonly candidates: readonly MapCandidate[];
  readonly excluded: readonly { readonly number: number; readonly reason: string }[];
  /** A hash of the viewer's network chooses one; at most 6 candidates each, best first. */
  readonly shards: readonly (readonly ShardCandidate[])[];
}

/** `output/maps/<region>.msgpack`: what the viewers of a region need to be redirected. */
export interface RegionMap {
  /** ISO 3166-1 or 3166-2, or `--`. */
  readonly region: string;
  /** The region whose tables at the edge are its own too. */
  readonly zone: string;
  readonly builtAtMs: number;
  readonly epoch: string;
  readonly https: SchemeMap;
  readonly http: SchemeMap;
}

export function encodeObjectTable(table: ObjectTable): Buffer {
  return packCompressed(TABLE_FORMAT, TABLE_VERSION, {
    builtAtMs: table.builtAtMs,
    epoch: table.epoch,
    bucketCount: table.bucketCount,
    accessPoints: table.accessPoints,
    classes: table.classes,
    unusedSinceS: columnBytes(table.unusedSinceS),
    retiredAtS: columnBytes(table.retiredAtS),
    count: table.paths.length,
    paths: table.paths.join('\n'),
    classOf: columnBytes(table.classOf),
    dealing: table.dealing,
  });
}

/** Throws FormatError where the bytes are not a whole object table; `file` is named in its message. */
export function decodeObjectTable(bytes: Uint8Array, file: string): ObjectTable {
  const reader = new PackedReader(bytes, TABLE_FORMAT, TABLE_VERSION, file);
  const count = reader.number('count');
  const classes = reader.value<readonly (readonly number[])[]>('classes');
  return {
    builtAtMs: reader.number('builtAtMs'),
    epoch: reader.string('epoch'),
    bucketCount: reader.number('bucketCount'),
    accessPoints: reader.value('accessPoints'),
    classes,
    ...idleTimes(reader, classes.length),
    paths: reader.lines('paths', count),
    classOf: reader.column('classOf', Uint16Array, count),
    dealing: reader.valueOrNull('dealing'),
  };
}

/** Files of before have no such columns: every class then counts as used until a build finds that it is not. */
function idleTimes(reader: PackedReader, count: number): Pick<ObjectTable, 'unusedSinceS' | 'retiredAtS'> {
  if (!reader.has('retiredAtS')) return { unusedSinceS: new Uint32Array(count), retiredAtS: new Uint32Array(count) };
  return {
    unusedSinceS: reader.column('unusedSinceS', Uint32Array, count),
    retiredAtS: reader.column('retiredAtS', Uint32Array, count),
  };
}

export function encodeRegionMap(map: RegionMap): Buffer {
  return pack(MAP_FORMAT, MAP_VERSION, { ...map });
}

/** Throws FormatError where the bytes are not a whole map; `file` is named in its message. */
export function decodeRegionMap(bytes: Uint8Array, file: string): RegionMap {
  const reader = new PackedReader(bytes, MAP_FORMAT, MAP_VERSION, file);
  return {
    region: reader.string('region'),
    zone: reader.string('zone'),
    builtAtMs: reader.number('builtAtMs'),
    epoch: reader.string('epoch'),
    https: reader.value('https'),
    http: reader.value('http'),
  };
}
