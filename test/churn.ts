import { createHash } from 'node:crypto';
import { Outcome } from '../core/observations.ts';
import type { Evidence } from '../generator/maps/evidence.ts';
import { fleetEvidence } from './fleet.ts';

/** Builds are so far apart. */
export const STEP_MS = 3 * 3_600_000;
/** A class of the first build is unused at the second, retired at the third, and used again from here on. */
export const REUSED_AT = 5;
const GROUPS = 6;
const GROUP_SIZE = 3;
/** The objects that are on their way: so many, the first ones. */
export const MOVING = GROUPS * GROUP_SIZE;

/**
 * What some mirrors hold of `count` objects at the nth build. Six groups of three objects are on their way: at each
 * build they are grouped, and held, otherwise.
 */
export function churnedEvidence(count: number, step: number): Evidence[] {
  const some = fleetEvidence(count, 0).filter((_, n) => n % 25 === 0);
  return some.map((one, n) => {
    const presence = one.presence.slice();
    for (let id = 0; id < MOVING; id++) {
      const group = Math.floor(((id + step) % MOVING) / GROUP_SIZE);
      const [draw = 0] = createHash('sha256').update(`${step} ${group} ${n}`).digest();
      presence[id] = draw % 2 === 0 ? Outcome.present : Outcome.absent;
    }
    return { ...one, presence };
  });
}
