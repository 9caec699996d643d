import { FormatError } from '../../core/errors.ts';
import { decodeHistory } from '../../core/formats/history-file.ts';
import { emptyObservations } from '../../core/formats/observations-file.ts';
import { encodeStatus } from '../../core/formats/status-file.ts';
import type { HistoryDay } from '../../core/history.ts';
import { foldLiveness } from '../../core/liveness.ts';
import type { AccessPoint } from '../../core/mirror.ts';
import { readFileOrNull, writeFileAtomic } from '../../core/node/atomic-file.ts';
import { readLeader } from '../../core/node/leader-files.ts';
import { readProbes } from '../../core/node/liveness-files.ts';
import { readObservations } from '../../core/node/observation-files.ts';
import type { Observations } from '../../core/observations.ts';
import { outputLayout } from '../../core/output-layout.ts';
import { siteData } from '../site-data.ts';

export interface SiteDataOptions {
  readonly output: string;
  readonly name: string;
  readonly fallback: string;
  readonly contact: string;
  readonly expiryMs: number;
  readonly nowMs: number;
}

/** Days of an access point's history; none where it has no file, or a torn one, which the next check begins anew. */
function historyIn(output: string): (accessPoint: AccessPoint) => readonly HistoryDay[] {
  return ({ id }) => {
    const file = outputLayout.history(output, id);
    const bytes = readFileOrNull(file);
    if (bytes === null) return [];
    try {
      return decodeHistory(bytes.toString('utf8'), file).days;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return [];
    }
  };
}

/** Sums up the output folder for the status site, and writes that below it. */
export function writeSiteData(options: SiteDataOptions): void {
  const { output, nowMs } = options;
  const { inventory, mirrors } = readLeader(output);
  // The builder has told of files that cannot be read; here those access points are not checked yet.
  const probed = readProbes(output, nowMs / 1000, () => {});
  const observations = (accessPoint: AccessPoint): Observations | null => {
    const { id, url } = accessPoint;
    const objectCount = inventory.paths.length;
    const checked = readObservations(output, accessPoint, objectCount, nowMs / 1000, () => {});
    const probe = probed(accessPoint);
    if (probe === null) return checked;
    const found = checked ?? emptyObservations(id, url, objectCount, 0);
    found.liveness = foldLiveness(found.liveness, probe.liveness);
    return found;
  };
  const status = siteData({ ...options, inventory, mirrors, observations, probe: probed, history: historyIn(output) });
  writeFileAtomic(outputLayout.siteData(output), encodeStatus(status));
}
