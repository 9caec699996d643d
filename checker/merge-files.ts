import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { skewNote, toldOnce, withoutFuture } from '../core/clock.ts';
import { FormatError, quoted, RunError } from '../core/errors.ts';
import { decodeObservations, observationPieces } from '../core/formats/observations-file.ts';
import type { Inventory } from '../core/inventory.ts';
import type { AccessPoint, MirrorList } from '../core/mirror.ts';
import { writeFileAtomic } from '../core/node/atomic-file.ts';
import type { Observations } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import type { Progress } from '../core/progress.ts';
import { mergeHistories } from './history.ts';
import { mergeObservations } from './merge.ts';
import { type MergedProbes, mergeProbes } from './merge-probes.ts';
import { foldersIn, mergeSources } from './merge-sources.ts';

export interface MergeOptions {
  readonly output: string;
  readonly inventory: Inventory;
  readonly mirrors: MirrorList;
  /** Files of checks and probes, and folders with such or with folders of such; empty = all vantages' below `output`. */
  readonly sources: readonly string[];
  readonly nowMs: number;
  readonly progress: Progress;
}

export interface MergeSummary {
  /** Of checks. */
  readonly files: number;
  /** With the names of the vantages whose reports their files now hold. */
  readonly accessPoints: readonly { readonly accessPointId: string; readonly vantages: readonly string[] }[];
  readonly probes: { readonly files: number; readonly accessPoints: number };
}

/**
 * Folds the vantages' observation files, and what was merged before, into one file for each access point, and their
 * probes into one of all. What a file is about stands in it, whatever it is called. One that is torn, or about an access
 * point that the mirror list does not have at that URL, is told of and left out. Throws UsageError for a source that is
 * not there, or where there is nothing to merge, RunError where nothing of it could be, and what the file system throws.
 */
export function mergeFiles(options: MergeOptions): MergeSummary {
  const { output, mirrors, sources, nowMs, progress } = options;
  const { observations, probes } = mergeSources(output, sources);
  const accessPoints = mirrors.mirrors.flatMap((mirror) => mirror.accessPoints);
  const nowS = Math.floor(nowMs / 1000);
  const note = toldOnce(progress.note);
  const checked = mergeChecks({ ...options, accessPoints, nowS, note }, observations);
  const probed: MergedProbes = mergeProbes({ output, accessPoints, files: probes, nowS, note });
  if (checked.usedFiles + probed.usedFiles === 0) {
    const files = observations.length + probes.length;
    throw new RunError(`none of ${files.toLocaleString('en')} files could be merged: the notes above tell why of each`);
  }
  return {
    files: observations.length,
    accessPoints: [...checked.vantagesOf].map(([accessPointId, vantages]) => ({ accessPointId, vantages })),
    probes: { files: probes.length, accessPoints: probed.accessPoints },
  };
}

interface ChecksOptions extends Pick<MergeOptions, 'output' | 'inventory'> {
  readonly accessPoints: readonly AccessPoint[];
  readonly nowS: number;
  readonly note: (line: string) => void;
}

function mergeChecks(options: ChecksOptions, files: readonly string[]) {
  const { output, accessPoints, nowS, note } = options;
  const points = new Map(accessPoints.map((point) => [point.id, point]));
  const names = foldersIn(outputLayout.historyFolder(output)).map((folder) => basename(folder));
  const vantagesOf = new Map<string, readonly string[]>();
  let usedFiles = 0;
  // Files of one name are mostly about one access point: they are in memory together, and their target is written once.
  for (const group of groupsOf(files, (file) => basename(file)).values()) {
    const read = group.flatMap((file) => readOne(options, file, points) ?? []);
    usedFiles += read.length;
    for (const [id, found] of groupsOf(read, ({ observations }) => observations.accessPointId)) {
      const target = outputLayout.observations(output, id);
      const before = found.some(({ file }) => file === target) ? null : readOne(options, target, points);
      const inputs = [...(before === null ? [] : [before]), ...found].map(({ observations }) => observations);
      const merged = mergeObservations(inputs, nowS);
      writeFileAtomic(target, observationPieces(merged));
      mergeHistories(output, id, names, note);
      vantagesOf.set(id, Object.keys(merged.vantages));
    }
  }
  return { usedFiles, vantagesOf };
}

function groupsOf<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** Null for one that is not there, and one that is left out. */
function readOne(
  { inventory, nowS, note }: ChecksOptions,
  file: string,
  points: ReadonlyMap<string, AccessPoint>,
): { readonly file: string; readonly observations: Observations } | null {
  try {
    const found = decodeObservations(readFileSync(file), inventory.paths.length, file);
    const { observations, skew } = withoutFuture(found, nowS);
    const point = points.get(observations.accessPointId);
    if (point === undefined) {
      note(`${file}: the mirror list has no access point ${quoted(observations.accessPointId)}; left out`);
    } else if (point.url !== observations.url) {
      note(`${file}: is about ${quoted(observations.url)}, not ${quoted(point.url)}; left out`);
    } else {
      if (skew !== null) note(skewNote(dirname(file), skew));
      return { file, observations };
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    if (!(error instanceof FormatError)) throw error;
    note(`${error.message}; left out`);
  }
  return null;
}
