import { directoryOf } from '../core/directory.ts';
import { type Inventory, ObjectType } from '../core/inventory.ts';
import { ownText } from '../core/lines.ts';

/**
 * The directories whose listings prove the given objects, each once, parents first, the root always: those they lie
 * in, those their links lead to, and all above them. A link to a directory is never one of them.
 */
export function directoriesFor(
  inventory: Inventory,
  objectIdOf: (path: string) => number | undefined,
  objectIds: Int32Array,
): string[] {
  const { paths, types, leadsTo } = inventory;
  const directories = new Set(['']);
  const seen = new Set<string>();
  const addAbove = (path: string) => {
    for (let found = directoryOf(path); !seen.has(found) && found !== ''; found = directoryOf(found)) {
      const at = ownText(found);
      seen.add(at);
      const id = objectIdOf(at);
      if (id === undefined || types[id] !== ObjectType.symlink) directories.add(at);
      else addAbove(paths.at(leadsTo[id] as number) as string);
    }
  };
  for (const id of objectIds) {
    addAbove(paths.at(id) as string);
    if (leadsTo[id] !== id) addAbove(paths.at(leadsTo[id] as number) as string);
  }
  // A parent's path is the beginning of its children's.
  return [...directories].sort();
}
