import { readFileSync } from 'node:fs';
import { FormatError, quoted } from '../core/errors.ts';
import { decodeLiveness, encodeLiveness, type LivenessFile } from '../core/formats/liveness-file.ts';
import type { ProbeRecord } from '../core/liveness.ts';
import type { AccessPoint } from '../core/mirror.ts';
import { writeFileAtomic } from '../core/node/atomic-file.ts';
import { withoutFuture } from '../core/node/liveness-files.ts';
import { outputLayout } from '../core/output-layout.ts';
import { foldProbes, probesOf } from '../core/vantage-probes.ts';

export interface MergeProbesOptions {
  readonly output: string;
  /** In the order of the mirror list. */
  readonly accessPoints: readonly AccessPoint[];
  readonly files: readonly string[];
  readonly nowS: number;
  readonly note: (line: string) => void;
}

export interface MergedProbes {
  /** Of the files that were given, those of which something could be used. */
  readonly usedFiles: number;
  /** Access points of which the folded file knows something. */
  readonly accessPoints: number;
}

/**
 * Folds files of probes, and what was folded before, into `output/liveness.json`. A file that is torn is told of and
 * left out; so are, one note for a file, records about access points that the mirror list does not have at that URL.
 */
export function mergeProbes({ output, accessPoints, files, nowS, note }: MergeProbesOptions): MergedProbes {
  const target = outputLayout.liveness(output);
  const urlOf = new Map(accessPoints.map(({ id, url }) => [id, url]));
  const reports = new Map<string, Readonly<Record<string, ProbeRecord>>[]>();
  let [usedFiles, probedAtMs] = [0, 0];
  for (const file of new Set([target, ...files])) {
    const read = readOne(file, note);
    if (read === null) continue;
    const sound = withoutFuture(read.accessPoints, nowS, file, note, read.vantage);
    const known = sound.filter(({ accessPointId, url }) => urlOf.get(accessPointId) === url);
    if (known.length < sound.length && file !== target) {
      const stranger = sound.find((record) => !known.includes(record));
      note(
        `${file}: ${sound.length - known.length} of its access points, ${quoted(stranger?.url ?? '')} the first, are not on the mirror list; left out`,
      );
    }
    for (const record of known) {
      const all = reports.get(record.accessPointId) ?? [];
      reports.set(record.accessPointId, [...all, probesOf(record, read.vantage)]);
    }
    if (known.length > 0) probedAtMs = Math.max(probedAtMs, Math.min(read.probedAtMs, nowS * 1000));
    if (known.length > 0 && files.includes(file)) usedFiles++;
  }
  if (usedFiles === 0) return { usedFiles, accessPoints: 0 };
  const folded = accessPoints.flatMap(({ id }) => {
    const known = reports.get(id);
    return known === undefined ? [] : foldProbes(known);
  });
  writeFileAtomic(target, encodeLiveness({ version: 1, probedAtMs, accessPoints: folded }));
  return { usedFiles, accessPoints: folded.length };
}

function readOne(file: string, note: (line: string) => void): LivenessFile | null {
  try {
    return decodeLiveness(readFileSync(file, 'utf8'), file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    if (!(error instanceof FormatError)) throw error;
    note(`${error.message}; left out`);
    return null;
  }
}
