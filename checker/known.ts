import { dirname } from 'node:path';
import { skewNote, withoutFuture } from '../core/clock.ts';
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
  readonly nowS: number;
  /** Told of a file that is begun anew, and of a clock that was ahead. */
  readonly note: (line: string) => void;
}

/**
 * What is known of an access point. A file that is torn, or of another place, is told of and begun anew; what it dates
 * later than now counts for nothing.
 */
export function loadObservations(options: KnownOptions, accessPoint: AccessPoint): Observations {
  const { output, vantage, inventory, nowS, note } = options;
  const count = inventory.paths.length;
  const file = outputLayout.observations(output, accessPoint.id, vantage);
  const fresh = () => emptyObservations(accessPoint.id, accessPoint.url, count, nowS);
  const bytes = readFileOrNull(file);
  if (bytes === null) return fresh();
  try {
    const { observations: found, skew } = withoutFuture(decodeObservations(bytes, count, file), nowS);
    if (found.accessPointId === accessPoint.id && found.url === accessPoint.url) {
      if (skew !== null) note(skewNote(dirname(file), skew));
      return found;
    }
    note(`${file}: is about ${quoted(found.url)}, not ${quoted(accessPoint.url)}; begun anew`);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    note(`${error.message}; begun anew`);
  }
  return fresh();
}
