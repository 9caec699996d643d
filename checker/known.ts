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
  return knownObservations(options, accessPoint)();
}

/** As `loadObservations`, of the file as it is now and whenever it is called: what is kept are its compressed bytes. */
export function knownObservations(options: KnownOptions, accessPoint: AccessPoint): () => Observations {
  const { output, vantage, inventory, nowS } = options;
  const file = outputLayout.observations(output, accessPoint.id, vantage);
  const bytes = readFileOrNull(file);
  return () => {
    const found = bytes === null ? null : decoded(bytes, file, options, accessPoint);
    return found ?? emptyObservations(accessPoint.id, accessPoint.url, inventory.paths.length, nowS);
  };
}

function decoded(
  bytes: Buffer,
  file: string,
  { inventory, nowS, note }: KnownOptions,
  accessPoint: AccessPoint,
): Observations | null {
  try {
    const { observations: found, skew } = withoutFuture(decodeObservations(bytes, inventory.paths.length, file), nowS);
    if (found.accessPointId === accessPoint.id && found.url === accessPoint.url) {
      if (skew !== null) note(skewNote(dirname(file), skew));
      return found;
    }
    note(`${file}: is about ${quoted(found.url)}, not ${quoted(accessPoint.url)}; begun anew`);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    note(`${error.message}; begun anew`);
  }
  return null;
}
