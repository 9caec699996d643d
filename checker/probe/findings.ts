import { quoted } from '../../core/errors.ts';
import { grouped } from '../../core/grouped.ts';
import type { KnownObject } from '../../core/liveness.ts';
import { LAYOUT_PATH, STAMP_PATH, stampS } from '../../core/master-files.ts';
import { shownPath } from '../../core/path-bytes.ts';
import { ProbeFailure } from './failure.ts';
import type { FamilyFacts, Master } from './task.ts';

/**
 * Mirrors sync several times a day; one that is a day and a quarter behind has missed a whole day of them, and with it
 * security updates.
 */
const MAX_STAMP_LAG_S = 30 * 3600;
/** Clocks differ; by more than this a stamp is no time that has been. */
const MAX_STAMP_AHEAD_S = 3600;
/** Of a stamp so much is read. */
export const MAX_STAMP_BYTES = 4096;

export const NO_STAMP = `has no ${STAMP_PATH}: how old its tree is cannot be told`;

/** The failure of a known object that has another size; `after`: what is to be said of how it was reached. */
export function otherSize({ path, sizeBytes }: KnownObject, foundBytes: number, after = ''): ProbeFailure {
  const [found, right] = [foundBytes, sizeBytes].map((bytes) => grouped(bytes));
  return new ProbeFailure(`${quoted(shownPath(path))} has ${found} bytes there, ${right} on the master${after}`);
}

/** The time that a stamp tells, in seconds since 1970. Throws ProbeFailure where it tells none, or one too long ago. */
export function judgeStamp(bytes: Buffer, masterS: number, nowMs: number, facts: FamilyFacts): number {
  const foundS = stampS(bytes);
  if (foundS === null) throw new ProbeFailure(`its stamp is no time: ${quoted(bytes.toString('latin1'), 40)}`);
  const lagS = masterS - foundS;
  facts.stampLagS = Math.max(0, lagS);
  if (lagS > MAX_STAMP_LAG_S) throw new ProbeFailure(`stamp is ${Math.floor(lagS / 3600)} h behind the master`);
  const aheadS = foundS - nowMs / 1000;
  if (aheadS > MAX_STAMP_AHEAD_S) facts.warnings.push(`stamp lies ${Math.floor(aheadS / 3600)} h in the future`);
  return foundS;
}

/** What it means that the layout is not the master's; `stamp`: the mirror's own, null = it has none. Throws ProbeFailure. */
export function judgeOtherLayout(stamp: number | null, { layoutChangedS }: Master, warnings: string[]): void {
  // The master's changed after that mirror's last sync: it has the one before, and that is no fault.
  if (stamp === null || stamp >= layoutChangedS) throw new ProbeFailure(`its ${LAYOUT_PATH} differs from the master's`);
  warnings.push(`its ${LAYOUT_PATH} is the one before the master's last change`);
}
