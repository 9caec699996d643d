import { type Inventory, isDirectoryLike } from './inventory.ts';
import { type Observations, Outcome } from './observations.ts';

/** How long evidence counts where the configuration says nothing else. */
export const DEFAULT_EXPIRY_MS = 14 * 24 * 3600 * 1000;

/** Presence per object at one access point: an `Outcome` each, `none` standing for unknown. */
export type PresenceColumn = Uint8Array;

/**
 * What the evidence of one access point is worth now, against the inventory as it is now. Evidence older than
 * `oldestS` (seconds since 1970) has expired; a present or different object is judged anew by the size that was
 * found, so that an object which changed on the master is not believed to be there in its old shape.
 */
export function presenceColumn(
  inventory: Inventory,
  observations: Pick<Observations, 'outcome' | 'sizeBytes' | 'evidenceAtS'>,
  oldestS: number,
): PresenceColumn {
  const presence = new Uint8Array(inventory.paths.length);
  const presenceOf = presenceIn(inventory, observations, oldestS);
  for (let id = 0; id < presence.length; id++) presence[id] = presenceOf(id);
  return presence;
}

function presenceIn(
  inventory: Inventory,
  { outcome, sizeBytes, evidenceAtS }: Pick<Observations, 'outcome' | 'sizeBytes' | 'evidenceAtS'>,
  oldestS: number,
): (id: number) => number {
  return (id) => {
    const found = outcome[id] as number;
    if (found === Outcome.none || (evidenceAtS[id] as number) < oldestS) return Outcome.none;
    if (found === Outcome.absent || isDirectoryLike(inventory, id)) return found;
    if (sizeBytes[id] === inventory.sizeBytes[id]) return found;
    return found === Outcome.different ? Outcome.different : Outcome.none;
  };
}

/** Share of the objects of the tree that are present there by evidence not older than `oldestS`; 0 to 1. */
export function coverageOf(inventory: Inventory, observations: Observations, oldestS: number): number {
  const presenceOf = presenceIn(inventory, observations, oldestS);
  const count = inventory.paths.length;
  let inTree = 0;
  let present = 0;
  for (let id = 0; id < count; id++) {
    if (inventory.removedAtS[id] !== 0) continue;
    inTree++;
    if (presenceOf(id) === Outcome.present) present++;
  }
  return inTree === 0 ? 0 : present / inTree;
}
