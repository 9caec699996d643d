import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { FormatError, quoted, UsageError } from '../core/errors.ts';
import { decodeObservations, encodeObservations } from '../core/formats/observations-file.ts';
import type { Inventory } from '../core/inventory.ts';
import type { AccessPoint, MirrorList } from '../core/mirror.ts';
import { writeFileAtomic } from '../core/node/atomic-file.ts';
import type { Observations } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import type { Progress } from '../core/progress.ts';
import { mergeHistories } from './history.ts';
import { mergeObservations } from './merge.ts';

const EXTENSION = '.msgpack';

export interface MergeOptions {
  readonly output: string;
  readonly inventory: Inventory;
  readonly mirrors: MirrorList;
  /** Observation files, and folders with such or with folders of such; empty = all vantages' below `output`. */
  readonly sources: readonly string[];
  readonly progress: Progress;
}

export interface MergeSummary {
  readonly files: number;
  /** With the names of the vantages whose reports their files now hold. */
  readonly accessPoints: readonly { readonly accessPointId: string; readonly vantages: readonly string[] }[];
}

/**
 * Folds the vantages' observation files, and what was merged before, into one file for each access point. A file that
 * is torn, or about an access point that the mirror list does not have at that URL, is told of and left out. Throws
 * UsageError for a source that is not there, or where there is nothing to merge, and what the file system throws.
 */
export function mergeFiles(options: MergeOptions): MergeSummary {
  const { output, inventory, mirrors, progress } = options;
  const home = outputLayout.observationsFolder(output);
  const folders = options.sources.length > 0 ? options.sources : foldersIn(home);
  const files = [...new Set(folders.flatMap((source) => filesOf(resolve(source))))];
  if (files.length === 0) {
    throw new UsageError(`${home}: no vantage has written there; run "redirector check --vantage NAME" first`);
  }
  const byId = new Map<string, string[]>();
  for (const file of files) byId.set(idOf(file), [...(byId.get(idOf(file)) ?? []), file]);
  const points = new Map(mirrors.mirrors.flatMap((mirror) => mirror.accessPoints).map((point) => [point.id, point]));
  const names = readVantageNames(output);
  const accessPoints: MergeSummary['accessPoints'][number][] = [];
  for (const [id, some] of byId) {
    const accessPoint = points.get(id);
    if (accessPoint === undefined) {
      progress.note(`${quoted(some.join(', '))}: the mirror list has no such access point; left out`);
      continue;
    }
    const target = outputLayout.observations(output, id);
    const inputs = [...new Set([target, ...some])].flatMap(
      (file) => readOne(file, accessPoint, inventory.paths.length, progress) ?? [],
    );
    if (inputs.length === 0) continue;
    const merged = mergeObservations(inputs);
    writeFileAtomic(target, encodeObservations(merged));
    mergeHistories(output, id, names, progress.note);
    accessPoints.push({ accessPointId: id, vantages: Object.keys(merged.vantages) });
  }
  return { files: files.length, accessPoints };
}

function readOne(file: string, { id, url }: AccessPoint, objectCount: number, progress: Progress): Observations | null {
  try {
    const bytes = readFileSync(file);
    const found = decodeObservations(bytes, objectCount, file);
    if (found.accessPointId === id && found.url === url) return found;
    progress.note(`${file}: is about ${quoted(found.url)}, not ${quoted(url)}; left out`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    if (!(error instanceof FormatError)) throw error;
    progress.note(`${error.message}; left out`);
  }
  return null;
}

function idOf(file: string): string {
  return basename(file, EXTENSION);
}

/** The observation files that a person means by a path: itself, or what lies in it and in its folders. */
function filesOf(source: string): string[] {
  const stat = statSync(source, { throwIfNoEntry: false });
  if (stat === undefined) throw new UsageError(`${source}: not there; name files or folders that a check has written`);
  if (!stat.isDirectory()) return [source];
  return [source, ...foldersIn(source)].flatMap((folder) =>
    entriesOf(folder)
      .filter((entry) => entry.isFile() && entry.name.endsWith(EXTENSION))
      .map((entry) => join(folder, entry.name)),
  );
}

function foldersIn(folder: string): string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name));
}

function entriesOf(folder: string): Dirent[] {
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return [];
  return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function readVantageNames(output: string): string[] {
  return foldersIn(outputLayout.historyFolder(output)).map((folder) => basename(folder));
}
