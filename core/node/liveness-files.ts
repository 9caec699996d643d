import { skewNote } from '../clock.ts';
import { FormatError } from '../errors.ts';
import { decodeLiveness, type LivenessFile } from '../formats/liveness-file.ts';
import { decodeMasterFiles } from '../formats/master-files.ts';
import type { ProbeRecord } from '../liveness.ts';
import type { MasterFiles } from '../master-files.ts';
import type { AccessPoint } from '../mirror.ts';
import { outputLayout } from '../output-layout.ts';
import { probeWithoutFuture } from '../vantage-probes.ts';
import { readFileOrNull } from './atomic-file.ts';

/** What is known of an access point by its probes; null where it was not probed, or its URL has changed since. */
export type Probed = (accessPoint: Pick<AccessPoint, 'id' | 'url'>) => ProbeRecord | null;

/**
 * What the last probes found: folded, or with `vantage` by that one. A file that is torn or foreign is told to `note`,
 * and counts as no file; what is dated later than `nowS` (seconds since 1970) likewise.
 */
export function readProbes(output: string, nowS: number, note: (line: string) => void, vantage = ''): Probed {
  const file = outputLayout.liveness(output, vantage);
  const bytes = readFileOrNull(file);
  let read: LivenessFile['accessPoints'] = [];
  try {
    if (bytes !== null) read = decodeLiveness(bytes.toString('utf8'), file).accessPoints;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    note(error.message);
  }
  const byId = new Map(withoutFuture(read, nowS, file, note, vantage).map((record) => [record.accessPointId, record]));
  return ({ id, url }) => {
    const record = byId.get(id);
    return record?.url === url ? record : null;
  };
}

/** One note, whatever number of records a wrong clock has dated. */
export function withoutFuture(
  records: readonly ProbeRecord[],
  nowS: number,
  file: string,
  note: (line: string) => void,
  vantage = '',
): ProbeRecord[] {
  const judged = records.map((record) => probeWithoutFuture(record, nowS, vantage));
  const aheadS = Math.max(0, ...judged.map((one) => one.aheadS));
  const vantages = [...new Set(judged.flatMap((one) => one.vantages))].sort();
  if (aheadS > 0) note(skewNote(file, { vantages, aheadS }));
  return judged.flatMap(({ record }) => record ?? []);
}

/** The master's small files as they were last read; all null where they never were. Throws FormatError. */
export function readRememberedMasterFiles(output: string): MasterFiles {
  const file = outputLayout.masterFiles(output);
  const bytes = readFileOrNull(file);
  return bytes === null ? { stamp: null, layout: null } : decodeMasterFiles(bytes.toString('utf8'), file);
}
