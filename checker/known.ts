import { FormatError, quoted } from '../core/errors.ts';
import { decodeObservations, emptyObservations } from '../core/formats/observations-file.ts';
import type { Inventory } from '../core/inventory.ts';
import type { AccessPoint } from '../core/mirror.ts';
import { readFileOrNull } from '../core/node/atomic-file.ts';
import type { Observations } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';

export interface KnownOptions {
  readonly output: string;
  /** '' = none was told. */
  readonly vantage: string;
  readonly inventory: Inventory;
  readonly startedAtS: number;
  /** Told of a file that is begun anew. */
  readonly note: (line: string) => void;
}

/** What is known of an access point. A file that is torn, or of another place, is told of and begun anew. */
export function loadObservations(options: KnownOptions, accessPoint: AccessPoint): Observations {
  const { output, vantage, inventory, startedAtS, note } = options;
  const count = inventory.paths.length;
  const file = outputLayout.observations(output, accessPoint.id, vantage);
  const fresh = () => emptyObservations(accessPoint.id, accessPoint.url, count, startedAtS);
  const bytes = readFileOrNull(file);
  if (bytes === null) return fresh();
  try {
    const found = decodeObservations(bytes, count, file);
    if (found.accessPointId === accessPoint.id && found.url === accessPoint.url) return found;
    note(`${file}: is about ${quoted(found.url)}, not ${quoted(accessPoint.url)}; begun anew`);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    note(`${error.message}; begun anew`);
  }
  return fresh();
}
