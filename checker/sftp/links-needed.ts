import { directoryOf } from '../../core/directory.ts';
import { type Inventory, ObjectType } from '../../core/inventory.ts';

/**
 * The links whose targets decide on the given objects, by id: 1 = it is one. They are those among the objects, and those
 * in their paths.
 */
export function linksNeeded(
  inventory: Inventory,
  objectIdOf: (path: string) => number | undefined,
  objectIds: Int32Array,
): Uint8Array {
  const { paths, types } = inventory;
  const needed = new Uint8Array(paths.length);
  const seen = new Set(['']);
  const add = (id: number | undefined) => {
    if (id !== undefined && types[id] === ObjectType.symlink) needed[id] = 1;
  };
  for (const id of objectIds) {
    add(id);
    for (let at = directoryOf(paths.at(id) as string); !seen.has(at); at = directoryOf(at)) {
      seen.add(at);
      add(objectIdOf(at));
    }
  }
  return needed;
}
