import { META_KEY, META_VERSION } from '../../core/edge-keys.ts';
import type { ObjectTable, RegionMap } from '../../core/formats/map-file.ts';
import type { LoadedInventory } from '../../core/inventory.ts';
import { bucketCountFor, type Entry, MAX_FRESH_BYTES, MAX_VALUE_BYTES, packBuckets } from './buckets.ts';
import { namedHolders } from './class-ids.ts';
import { classify } from './classes.ts';
import { edgeTables } from './edge-tables.ts';
import { entriesOf } from './entries.ts';
import { type Evidence, isUp, type Known } from './evidence.ts';
import type { Region } from './rank.ts';

export interface BuildInput {
  readonly inventory: LoadedInventory;
  /** http and https access points only. */
  readonly evidence: readonly Evidence[];
  readonly regions: readonly Region[];
  /** The table of the build before, for ids that stay; null for the first. */
  readonly previous: ObjectTable | null;
  readonly nowMs: number;
  readonly staleAfterMs: number;
  readonly rules: EdgeRules;
}

/** What the operator wants of all redirects. */
export interface EdgeRules {
  /** Viewers over http are sent to https mirrors. */
  readonly upgrade: boolean;
  /** Folders, each with a trailing slash, of whose links `NAME` to `XX/NAME` the edge may answer the target. */
  readonly aliases: readonly string[];
}

export interface Maps {
  readonly table: ObjectTable;
  readonly regions: readonly RegionMap[];
  /** The edge's keys, sorted; `meta` is the last. */
  readonly keys: readonly (readonly [string, string])[];
  readonly entryCount: number;
  /** By object id: 1 = a link that the edge may answer with its target. */
  readonly aliased: Uint8Array;
}

/** Everything the edge and other readers need, from what is known of every object. Pure. */
export function buildMaps(input: BuildInput): Maps {
  const { inventory, previous, nowMs } = input;
  const known = numbered(input.evidence, previous);
  const columns = known.map((one) => one.evidence?.presence ?? new Uint8Array(inventory.paths.length));
  const { ids, classOf, continues } = classify(columns, inventory.paths.length, previous, Math.floor(nowMs / 1000));
  const { classes } = ids;
  const { entries, aliased } = entriesOf(inventory, classOf, classes, input.rules.aliases);
  const { epoch, buckets } = packed(entries, continues ? previous : null, previous?.epoch ?? null);
  const accessPoints = known.map((one) => one.point);
  const meta = [
    META_VERSION,
    epoch,
    buckets.bucketCount,
    Math.floor(nowMs / 1000),
    Math.floor((nowMs + input.staleAfterMs) / 1000),
    upDigits(known),
  ].join(' ');
  const scheme = input.rules.upgrade ? 's' : 'h';
  const classUse = new Uint32Array(classes.length);
  for (const classId of classOf) classUse[classId] = (classUse[classId] as number) + 1;
  const mostListBytes = MAX_VALUE_BYTES - `${meta}  ${scheme}`.length;
  const tables = edgeTables({
    known,
    classes: namedHolders(ids),
    classUse,
    regions: input.regions,
    epoch,
    nowMs,
    mostListBytes,
    dealing: previous?.dealing ?? null,
  });
  const table: ObjectTable = {
    builtAtMs: nowMs,
    epoch,
    bucketCount: buckets.bucketCount,
    accessPoints,
    ...ids,
    paths: inventory.paths,
    classOf,
    dealing: tables.dealing,
  };
  const keys = [...buckets.keys, ...tables.keys, [META_KEY, `${meta} ${tables.zoneList} ${scheme}`] as const];
  return { table, regions: tables.regions, keys, entryCount: entries.length, aliased };
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

/** The buckets in the epoch of the build before while they fit its bucket count, else in a new epoch with more. */
function packed(entries: readonly Entry[], same: ObjectTable | null, previousEpoch: string | null) {
  const again = same === null ? null : packBuckets(entries, same.bucketCount, same.epoch);
  if (same !== null && again !== null) return { epoch: same.epoch, buckets: again };
  const epoch = previousEpoch === null ? '0' : String((Number(previousEpoch) + 1) % 10);
  for (let count = bucketCountFor(entries.length); ; count += 1 + Math.floor(count / 50)) {
    const buckets = packBuckets(entries, count, epoch, MAX_FRESH_BYTES);
    if (buckets !== null) return { epoch, buckets };
  }
}

/** A bit for each number, four to a hex digit. */
function upDigits(known: readonly Known[]): string {
  let digits = '';
  for (let first = 0; first < known.length; first += 4) {
    let digit = 0;
    for (let i = 0; i < 4; i++) {
      const evidence = known[first + i]?.evidence ?? null;
      digit = digit * 2 + (evidence !== null && isUp(evidence) ? 1 : 0);
    }
    digits += digit.toString(16);
  }
  return digits;
}
