import { type Coordinates, greatCircleKm } from '../core/great-circle.ts';
import type { Mirror } from '../core/mirror.ts';

/** Where a checker runs. */
export interface Vantage extends Coordinates {
  /** `[a-z0-9-]+`. */
  readonly name: string;
  /** It checks the mirrors to which it is one of so many nearest vantages: 1 = none that another one is nearer to. */
  readonly overlap: number;
}

/**
 * The mirrors that the vantage of this name checks, in their order. Each mirror is checked by the vantage that is
 * nearest to any of its places (of equally near ones by that whose name sorts first), whatever its overlap, and for
 * cross-checking by those further ones whose overlap reaches it. What one mirror is assigned to does not depend on the
 * other mirrors. Throws RangeError where no vantage has the name.
 */
export function mirrorsOf(name: string, vantages: readonly Vantage[], mirrors: readonly Mirror[]): readonly Mirror[] {
  const own = vantages.find((vantage) => vantage.name === name);
  if (own === undefined) throw new RangeError(`no vantage ${name}`);
  return mirrors.filter((mirror) => {
    const distance = distanceKm(own, mirror);
    const nearer = vantages.filter((other) => {
      const by = distanceKm(other, mirror) - distance;
      return by < 0 || (by === 0 && other.name < name);
    });
    return nearer.length < own.overlap;
  });
}

function distanceKm(vantage: Vantage, { places }: Mirror): number {
  return Math.min(...places.map((place) => greatCircleKm(vantage, place)));
}
