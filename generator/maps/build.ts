import { META_KEY, MOST_CANDIDATES } from '../../core/edge-keys.ts';
import type { NumberedAccessPoint, ObjectTable, RegionMap, SchemeMap } from '../../core/formats/map-file.ts';
import { type Inventory, isDirectoryLike } from '../../core/inventory.ts';
import type { AccessPoint, Mirror } from '../../core/mirror.ts';
import type { Liveness } from '../../core/observations.ts';
import type { PresenceColumn } from '../../core/presence.ts';
import { bucketCountFor, type Entry, entryOf, packBuckets } from './buckets.ts';
import { classify } from './classes.ts';
import { type Ranked, type Region, rank } from './rank.ts';
import { holdersKey, isRedirectable, type RegionTable, regionKeys, regionTable, type Target } from './region-keys.ts';

/** An access point with what is known of it. */
export interface Evidence {
  readonly mirror: Mirror;
  readonly accessPoint: AccessPoint;
  readonly presence: PresenceColumn;
  readonly liveness: Liveness;
}

export interface BuildInput {
  readonly inventory: Inventory;
  /** http and https access points only. */
  readonly evidence: readonly Evidence[];
  readonly regions: readonly Region[];
  /** The table of the build before, for ids that stay; null for the first. */
  readonly previous: ObjectTable | null;
  readonly nowMs: number;
  readonly staleAfterMs: number;
}

export interface Maps {
  readonly table: ObjectTable;
  readonly regions: readonly RegionMap[];
  /** The edge's keys, sorted; `meta` is the last. */
  readonly keys: readonly (readonly [string, string])[];
  readonly entryCount: number;
}

/** Everything the edge and other readers need, from what is known of every object. Pure. */
export function buildMaps(input: BuildInput): Maps {
  const { inventory, previous, nowMs } = input;
  const known = numbered(input.evidence, previous);
  const columns = known.map((one) => one.evidence?.presence ?? new Uint8Array(inventory.paths.length));
  const { classes, classOf, appended } = classify(columns, inventory.paths.length, previous?.classes ?? []);
  const entries = entriesOf(inventory, classOf);
  const { epoch, buckets } = packed(entries, appended ? previous : null, previous?.epoch ?? null);
  const accessPoints = known.map((one) => one.point);
  const table: ObjectTable = {
    builtAtMs: nowMs,
    epoch,
    bucketCount: buckets.bucketCount,
    accessPoints,
    classes,
    paths: inventory.paths,
    classOf,
  };
  const schemes = (['https', 'http'] as const).map((scheme) =>
    schemeTables(scheme, known, classes, input.regions, epoch),
  );
  const [https, http] = schemes as [SchemeTables, SchemeTables];
  const regions = input.regions.map((region, i) => ({
    region: region.code,
    builtAtMs: nowMs,
    epoch,
    https: https.maps[i] as SchemeMap,
    http: http.maps[i] as SchemeMap,
  }));
  const meta = [
    '1',
    epoch,
    buckets.bucketCount,
    Math.floor(nowMs / 1000),
    Math.floor((nowMs + input.staleAfterMs) / 1000),
    upDigits(known),
  ].join(' ');
  const keys = [...buckets.keys, ...https.keys, ...http.keys, [META_KEY, meta] as const];
  return { table, regions, keys, entryCount: entries.length };
}

interface Known {
  readonly point: NumberedAccessPoint;
  /** Null for a point of an earlier build that is no longer on the list; its number is not given away. */
  readonly evidence: Evidence | null;
}

/** Access points in the order of their numbers: those of the build before keep theirs, new ones follow. */
function numbered(evidence: readonly Evidence[], previous: ObjectTable | null): Known[] {
  const keyOf = (point: { id: string; url: string }) => `${point.id} ${point.url}`;
  const left = new Map(evidence.map((one) => [keyOf(one.accessPoint), one]));
  const known: Known[] = (previous?.accessPoints ?? []).map((point) => {
    const found = left.get(keyOf(point)) ?? null;
    left.delete(keyOf(point));
    return { point, evidence: found };
  });
  for (const one of left.values()) {
    const { id, url, protocol, mirrorId } = one.accessPoint;
    known.push({ point: { id, url, protocol, mirrorId }, evidence: one });
  }
  return known;
}

/** What can be looked up: every held object; a directory with its slash and without (the edge then adds it). */
function entriesOf(inventory: Inventory, classOf: Uint16Array): Entry[] {
  const entries: Entry[] = [];
  for (let id = 0; id < classOf.length; id++) {
    const value = (classOf[id] as number) * 2;
    const path = inventory.paths[id] as string;
    if (value === 0) continue;
    if (path === '' || !isDirectoryLike(inventory, id)) entries.push(entryOf(path, value));
    else entries.push(entryOf(`${path}/`, value), entryOf(path, value + 1));
  }
  return entries;
}

/** The buckets in the epoch of the build before while they fit its bucket count, else in a new epoch with more. */
function packed(entries: readonly Entry[], same: ObjectTable | null, previousEpoch: string | null) {
  const again = same === null ? null : packBuckets(entries, same.bucketCount, same.epoch);
  if (same !== null && again !== null) return { epoch: same.epoch, buckets: again };
  const epoch = previousEpoch === null ? '0' : String((Number(previousEpoch) + 1) % 10);
  for (let count = bucketCountFor(entries.length); ; count += 1 + Math.floor(count / 50)) {
    const buckets = packBuckets(entries, count, epoch);
    if (buckets !== null) return { epoch, buckets };
  }
}

interface SchemeTables {
  /** By region. */
  readonly maps: readonly SchemeMap[];
  readonly keys: readonly [string, string][];
}

/** Every region's table for one scheme, and the holders of classes that some region has hardly any near holder of. */
function schemeTables(
  scheme: 'https' | 'http',
  known: readonly Known[],
  classes: readonly (readonly number[])[],
  regions: readonly Region[],
  epoch: string,
): SchemeTables {
  const points = known.flatMap((one, number) => (one.point.protocol === scheme ? rankedOf(one, number) : []));
  const targets = (number: number): Target => (known[number] as Known).evidence?.accessPoint as Target;
  const letter = scheme === 'https' ? 's' : 'h';
  const keys: [string, string][] = [];
  const maps: SchemeMap[] = [];
  const scarce = new Set<number>();
  for (const region of regions) {
    const { accepted, excluded } = rank(region, points, MOST_CANDIDATES);
    const table: RegionTable = regionTable(accepted, classes, targets);
    keys.push(...regionKeys(epoch, region.code, letter, table, targets));
    maps.push({ candidates: table.candidates, excluded, masks: table.masks });
    table.masks.forEach((mask, classId) => {
      // A power of two or nothing: one holder or none. One may go down before the next build.
      if ((mask & (mask - 1)) === 0) scarce.add(classId);
    });
  }
  for (const classId of scarce) {
    const members = new Set(classes[classId]);
    // The class's id draws the lots: scarce classes do not all load the same few.
    const world: Region = { code: `class ${classId}`, country: null };
    const holders = rank(
      world,
      points.filter((point) => members.has(point.number)),
      MOST_CANDIDATES,
    ).accepted;
    if (holders.length > 0) keys.push(holdersKey(epoch, letter, classId, holders, targets));
  }
  return { maps, keys };
}

function rankedOf(one: Known, number: number): Ranked[] {
  if (one.evidence === null) return [];
  const { mirror, accessPoint, liveness } = one.evidence;
  const unfit = mirror.drained
    ? 'drained'
    : liveness.state !== 'up'
      ? `${liveness.state}: ${liveness.reason}`
      : isRedirectable(accessPoint.url)
        ? null
        : 'its URL cannot be used in a redirect';
  return [{ number, id: accessPoint.id, places: mirror.places, weight: mirror.weight, unfit }];
}

/** A bit for each number, four to a hex digit. */
function upDigits(known: readonly Known[]): string {
  let digits = '';
  for (let first = 0; first < known.length; first += 4) {
    let digit = 0;
    for (let i = 0; i < 4; i++) {
      const evidence = known[first + i]?.evidence ?? null;
      const up = evidence !== null && evidence.liveness.state === 'up' && !evidence.mirror.drained;
      digit = digit * 2 + (up ? 1 : 0);
    }
    digits += digit.toString(16);
  }
  return digits;
}
