import { FormatError } from '../errors.ts';
import { decodeLiveness, type LivenessFile } from '../formats/liveness-file.ts';
import { decodeMasterFiles } from '../formats/master-files.ts';
import type { ProbeRecord } from '../liveness.ts';
import type { MasterFiles } from '../master-files.ts';
import type { AccessPoint } from '../mirror.ts';
import { outputLayout } from '../output-layout.ts';
import { readFileOrNull } from './atomic-file.ts';

/**
 * What the last probe found of an access point; null where it was not probed, or its URL has changed since. A file that
 * is torn or foreign is told to `note`, and counts as no file.
 */
export function readProbes(
  output: string,
  note: (line: string) => void,
): (accessPoint: Pick<AccessPoint, 'id' | 'url'>) => ProbeRecord | null {
  const file = outputLayout.liveness(output);
  const bytes = readFileOrNull(file);
  let read: LivenessFile['accessPoints'] = [];
  try {
    if (bytes !== null) read = decodeLiveness(bytes.toString('utf8'), file).accessPoints;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    note(error.message);
  }
  const byId = new Map(read.map((record) => [record.accessPointId, record]));
  return ({ id, url }) => {
    const record = byId.get(id);
    return record?.url === url ? record : null;
  };
}

/** The master's small files as they were last read; all null where they never were. Throws FormatError. */
export function readRememberedMasterFiles(output: string): MasterFiles {
  const file = outputLayout.masterFiles(output);
  const bytes = readFileOrNull(file);
  return bytes === null ? { stamp: null, layout: null } : decodeMasterFiles(bytes.toString('utf8'), file);
}
