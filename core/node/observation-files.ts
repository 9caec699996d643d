import { dirname } from 'node:path';
import { skewNote, withoutFuture } from '../clock.ts';
import { FormatError } from '../errors.ts';
import { decodeObservations } from '../formats/observations-file.ts';
import type { AccessPoint } from '../mirror.ts';
import type { Observations } from '../observations.ts';
import { outputLayout } from '../output-layout.ts';
import { readFileOrNull } from './atomic-file.ts';

/**
 * What is known of an access point; null where nothing is: it was not checked yet, its URL has changed since, or its
 * file is torn or foreign. One bad file must not take the others with it, so that is told to `note` and no error. What
 * is dated later than `nowS` (seconds since 1970) counts for nothing, and is told in the same words for all files of
 * one clock. With `vantage`, what that one found alone.
 */
export function readObservations(
  output: string,
  accessPoint: Pick<AccessPoint, 'id' | 'url'>,
  objectCount: number,
  nowS: number,
  note: (line: string) => void,
  vantage = '',
): Observations | null {
  const file = outputLayout.observations(output, accessPoint.id, vantage);
  const bytes = readFileOrNull(file);
  if (bytes === null) return null;
  try {
    const { observations, skew } = withoutFuture(decodeObservations(bytes, objectCount, file), nowS);
    if (observations.url === accessPoint.url) {
      if (skew !== null) note(skewNote(dirname(file), skew));
      return observations;
    }
    note(`${accessPoint.id}: its URL has changed since it was checked; it waits for a check`);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    note(error.message);
  }
  return null;
}
