import { FormatError } from '../errors.ts';
import { decodeObservations } from '../formats/observations-file.ts';
import type { AccessPoint } from '../mirror.ts';
import type { Observations } from '../observations.ts';
import { outputLayout } from '../output-layout.ts';
import { readFileOrNull } from './atomic-file.ts';

/**
 * What is known of an access point; null where nothing is: it was not checked yet, its URL has changed since, or its
 * file is torn or foreign. One bad file must not take the others with it, so that is told to `note` and no error.
 */
export function readObservations(
  output: string,
  accessPoint: Pick<AccessPoint, 'id' | 'url'>,
  objectCount: number,
  note: (line: string) => void,
): Observations | null {
  const file = outputLayout.observations(output, accessPoint.id);
  const bytes = readFileOrNull(file);
  if (bytes === null) return null;
  try {
    const observations = decodeObservations(bytes, objectCount, file);
    if (observations.url === accessPoint.url) return observations;
    note(`${accessPoint.id}: its URL has changed since it was checked; it waits for a check`);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    note(error.message);
  }
  return null;
}
