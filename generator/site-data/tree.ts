import type { Inventory } from '../../core/inventory.ts';
import { ObjectType } from '../../core/inventory.ts';

/** The part of the inventory that is in the tree now, sorted into its top-level trees. */
export interface Tree {
  /** Object ids, ascending. */
  readonly ids: Int32Array;
  /** Index into `names`, by object id. */
  readonly treeOf: Uint32Array;
  /** First segments of the paths; '' = files beside the trees, and the root itself. */
  readonly names: readonly string[];
  /** Objects, by index into `names`. */
  readonly objects: Uint32Array;
}

function topLevel(path: string, isDirectory: boolean): string {
  const slash = path.indexOf('/');
  if (slash >= 0) return path.slice(0, slash);
  return isDirectory ? path : '';
}

/** Removed objects are left out. */
export function treeOf(inventory: Inventory): Tree {
  const count = inventory.paths.length;
  const ids = new Int32Array(count);
  const treeOf = new Uint32Array(count);
  const indexes = new Map<string, number>();
  const objects: number[] = [];
  let length = 0;
  for (let id = 0; id < count; id++) {
    if (inventory.removedAtS[id] !== 0) continue;
    const name = topLevel(inventory.paths.at(id) as string, inventory.types[id] === ObjectType.directory);
    let index = indexes.get(name);
    if (index === undefined) {
      index = indexes.size;
      indexes.set(name, index);
      objects.push(0);
    }
    treeOf[id] = index;
    objects[index] = (objects[index] as number) + 1;
    ids[length++] = id;
  }
  return { ids: ids.subarray(0, length), treeOf, names: [...indexes.keys()], objects: Uint32Array.from(objects) };
}
