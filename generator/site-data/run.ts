import { encodeStatus } from '../../core/formats/status-file.ts';
import type { AccessPoint } from '../../core/mirror.ts';
import { writeFileAtomic } from '../../core/node/atomic-file.ts';
import { readLeader } from '../../core/node/leader-files.ts';
import { readObservations } from '../../core/node/observation-files.ts';
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

/** Sums up the output folder for the status site, and writes that below it. */
export function writeSiteData(options: SiteDataOptions): void {
  const { output } = options;
  const { inventory, mirrors } = readLeader(output);
  // The builder has told of files that cannot be read; here those access points are not checked yet.
  const observations = (accessPoint: AccessPoint) =>
    readObservations(output, accessPoint, inventory.paths.length, () => {});
  const status = siteData({ ...options, inventory, mirrors, observations });
  writeFileAtomic(outputLayout.siteData(output), encodeStatus(status));
}
