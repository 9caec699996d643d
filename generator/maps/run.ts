import { toldOnce } from '../../core/clock.ts';
import { FormatError } from '../../core/errors.ts';
import {
  decodeObjectTable,
  decodeRegionMap,
  encodeObjectTable,
  encodeRegionMap,
  type RegionMap,
} from '../../core/formats/map-file.ts';
import type { Inventory } from '../../core/inventory.ts';
import { foldLiveness } from '../../core/liveness.ts';
import type { MirrorList } from '../../core/mirror.ts';
import { readFileOrNull, writeFileAtomic } from '../../core/node/atomic-file.ts';
import { readLeader } from '../../core/node/leader-files.ts';
import { readProbes } from '../../core/node/liveness-files.ts';
import { readObservations } from '../../core/node/observation-files.ts';
import type { Observations } from '../../core/observations.ts';
import { outputLayout } from '../../core/output-layout.ts';
import { type PresenceColumn, presenceColumn } from '../../core/presence.ts';
import type { Progress } from '../../core/progress.ts';
import { buildMaps, type EdgeRules } from './build.ts';
import type { Evidence } from './evidence.ts';
import { allRegions } from './regions.ts';

export interface BuildOptions {
  readonly output: string;
  readonly expiryMs: number;
  readonly nowMs: number;
  readonly progress: Progress;
  readonly rules: EdgeRules;
}

export interface BuildSummary {
  readonly objects: number;
  /** Objects of the tree that no access point holds: they go to the fallback. */
  readonly unheld: number;
  /** Links that are answered with their target where a mirror has that alone. */
  readonly aliases: number;
  readonly accessPoints: number;
  readonly classes: number;
  readonly regions: number;
  readonly keys: number;
  readonly keyBytes: number;
  /** Bytes of the keys that paths are looked up in, for each object that is held. */
  readonly lookUpBytesPerObject: number;
  readonly epoch: string;
}

/** Builds all maps and the edge's keys from what the checks found, and writes them below `output`. */
export function runBuild(options: BuildOptions): BuildSummary {
  const { output, nowMs, progress, rules } = options;
  const { inventory, mirrors } = readLeader(output);
  const evidence = readEvidence(options, inventory, mirrors);
  const tableFile = outputLayout.objectTable(output);
  const tableBytes = readFileOrNull(tableFile);
  const previous = tableBytes === null ? null : decodeObjectTable(tableBytes, tableFile);
  const regions = allRegions();
  const task = progress.start('maps', regions.length, 'regions');
  const maps = buildMaps({ inventory, evidence, regions, previous, nowMs, staleAfterMs: options.expiryMs / 2, rules });
  for (const map of maps.regions) {
    writeChangedMap(outputLayout.map(output, map.region), map);
    task.advance(1);
  }
  writeFileAtomic(outputLayout.edgeKeys(output), importForm(maps.keys));
  writeFileAtomic(tableFile, encodeObjectTable(maps.table));
  task.end();
  return summary(maps, evidence.length, inventory);
}

/** A map that would differ from the one before in its time alone stays: nobody need fetch, or be sent, it again. */
function writeChangedMap(file: string, map: RegionMap): void {
  const before = readFileOrNull(file);
  if (before?.equals(encodeRegionMap({ ...map, builtAtMs: builtAtMsOf(before, file) }))) return;
  writeFileAtomic(file, encodeRegionMap(map), { durable: false });
}

/** 0 where the file is none of this version. */
function builtAtMsOf(bytes: Buffer, file: string): number {
  try {
    return decodeRegionMap(bytes, file).builtAtMs;
  } catch (error) {
    if (error instanceof FormatError) return 0;
    throw error;
  }
}

/** The KeyValueStore's import form: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/kvs-with-functions-create-s3-kvp.html */
function importForm(keys: readonly (readonly [string, string])[]): string {
  return JSON.stringify({ data: keys.map(([key, value]) => ({ key, value })) });
}

export interface EvidenceOptions extends Pick<BuildOptions, 'output' | 'expiryMs' | 'nowMs' | 'progress'> {
  /** By the clock, where `nowMs` is that of an earlier build: evidence found since is no future. Default: `nowMs`. */
  readonly readAtMs?: number;
}

/** What is known of every http and https access point at `options.nowMs`; `each` is shown every one's columns in turn. */
export function readEvidence(
  options: EvidenceOptions,
  inventory: Inventory,
  mirrors: MirrorList,
  each: (presence: PresenceColumn, observations: Observations) => void = () => {},
): Evidence[] {
  const { output, nowMs, readAtMs = nowMs, progress } = options;
  const readAtS = readAtMs / 1000;
  const oldestS = (nowMs - options.expiryMs) / 1000;
  const objectCount = inventory.paths.length;
  const note = toldOnce(progress.note);
  const probed = readProbes(output, readAtS, note);
  const evidence: Evidence[] = [];
  for (const mirror of mirrors.mirrors) {
    for (const accessPoint of mirror.accessPoints) {
      if (accessPoint.protocol !== 'http' && accessPoint.protocol !== 'https') continue;
      const observations = readObservations(output, accessPoint, objectCount, readAtS, note);
      if (observations === null) continue;
      const presence = presenceColumn(inventory, observations, oldestS);
      each(presence, observations);
      const liveness = foldLiveness(observations.liveness, probed(accessPoint)?.liveness ?? null);
      evidence.push({ mirror, accessPoint, presence, liveness });
    }
  }
  return evidence;
}

function summary(maps: ReturnType<typeof buildMaps>, accessPoints: number, inventory: Inventory): BuildSummary {
  const { table, keys, aliased } = maps;
  const bytes = (some: readonly (readonly [string, string])[]) =>
    some.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  let unheld = 0;
  let held = 0;
  table.classOf.forEach((classId, id) => {
    if (classId !== 0 || aliased[id] === 1) held++;
    else if (inventory.removedAtS[id] === 0) unheld++;
  });
  return {
    objects: inventory.paths.length,
    unheld,
    aliases: aliased.reduce((sum, one) => sum + one, 0),
    accessPoints,
    classes: table.classes.length,
    regions: maps.regions.length,
    keys: keys.length,
    keyBytes: bytes(keys),
    lookUpBytesPerObject: held === 0 ? 0 : bytes(keys.filter(([key]) => /^\d/.test(key))) / held,
    epoch: table.epoch,
  };
}
