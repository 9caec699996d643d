import { type Dirent, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from '../core/errors.ts';
import { outputLayout } from '../core/output-layout.ts';

/** Files that are to be merged, by their kind. */
export interface MergeSources {
  readonly observations: readonly string[];
  readonly probes: readonly string[];
}

const OBSERVATIONS = /\.msgpack$/;
const PROBES = /\.json$/;

/**
 * The files that a person means by paths: themselves, or what lies in a folder and in its folders, of probes what is
 * called `liveness.json` or lies in a folder `liveness`. No paths: what all vantages have written below `output`. Throws
 * UsageError for a path that is not there or no such file, or where there is nothing to merge.
 */
export function mergeSources(output: string, paths: readonly string[]): MergeSources {
  const [observations, liveness] = [outputLayout.observationsFolder(output), outputLayout.livenessFolder(output)];
  const files =
    paths.length > 0 ? paths.flatMap(filesOf) : [...foldersIn(observations).flatMap(filesIn), ...filesIn(liveness)];
  const unique = [...new Set(files)];
  const sources = {
    observations: unique.filter((file) => OBSERVATIONS.test(file)),
    probes: unique.filter((file) => PROBES.test(file)),
  };
  if (unique.length > 0) return sources;
  const where = paths.length > 0 ? paths.join(', ') : observations;
  throw new UsageError(`${where}: no vantage has written there; run "redirector check --vantage NAME" first`);
}

/** The folders in a folder; none where it is missing. */
export function foldersIn(folder: string): string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name));
}

function filesOf(path: string): string[] {
  const source = resolve(path);
  const stat = statSync(source, { throwIfNoEntry: false });
  const wayOut = 'name files or folders that a check or a probe has written';
  if (stat === undefined) throw new UsageError(`${source}: not there; ${wayOut}`);
  if (stat.isDirectory()) return [source, ...foldersIn(source)].flatMap(filesIn);
  if (OBSERVATIONS.test(source) || PROBES.test(source)) return [source];
  throw new UsageError(`${source}: neither .msgpack nor .json; ${wayOut}`);
}

function filesIn(folder: string): string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isFile())
    .map((entry) => join(folder, entry.name))
    .filter((file) => OBSERVATIONS.test(file) || (PROBES.test(file) && areProbes(file)));
}

/** A folder has other JSON files too: histories, the mirror list. */
function areProbes(file: string): boolean {
  return basename(file) === 'liveness.json' || basename(dirname(file)) === 'liveness';
}

function entriesOf(folder: string): Dirent[] {
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return [];
  return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
}
