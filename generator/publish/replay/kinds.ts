import { requestPath } from '../../../core/inventory.ts';
import { memberPath } from '../../../core/look-up.ts';
import { lookUp } from '../../../core/node/look-up.ts';
import type { Built } from '../read-built.ts';

/** Which objects are answered alike by the keys: those of a presence class, and of a link's and its target's. */
export interface Kinds {
  /** By object id; 0 = nobody holds it. */
  readonly kindOf: Uint32Array;
  /** Whether the edge may answer this link with its target. */
  readonly isAliased: (id: number) => boolean;
  /** Objects that may be answered with a path that is not the one they lead to; that path. */
  readonly wrongAliases: readonly (readonly [number, string])[];
}

const MOST_CLASS_IDS = 0x10000;

/** `keys` are those that are to be published; what they say of each object is compared with the inventory. */
export function kindsOf(
  { inventory, table }: Pick<Built, 'inventory' | 'table'>,
  keys: ReadonlyMap<string, string>,
): Kinds {
  const kindOf = Uint32Array.from(table.classOf);
  const wrongAliases: [number, string][] = [];
  for (let id = 0; id < kindOf.length; id++) {
    const found = lookUp(keys, table, requestPath(inventory, id));
    if (found === null || found.aliasSlot === 0) continue;
    kindOf[id] = (kindOf[id] as number) + found.aliasClassId * MOST_CLASS_IDS;
    const path = memberPath(inventory.paths.at(id) as string, found.aliasSlot);
    if (path !== inventory.paths.at(inventory.leadsTo[id] as number)) wrongAliases.push([id, path]);
  }
  return { kindOf, isAliased: (id) => (kindOf[id] as number) >= MOST_CLASS_IDS, wrongAliases };
}
