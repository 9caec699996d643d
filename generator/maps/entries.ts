import { type Inventory, isDirectoryLike, ObjectType } from '../../core/inventory.ts';
import { memberOf } from '../../core/look-up.ts';
import { type Entry, entryOf } from './buckets.ts';
import type { PresenceClass } from './class-ids.ts';

/** What is looked up of the objects, and how many of them are answered by what they lead to where that is needed. */
export interface Entries {
  readonly entries: readonly Entry[];
  /** By object id: 1 = a mirror that lacks the link may be sent the request for its target. */
  readonly aliased: Uint8Array;
}

/**
 * What can be looked up: every held object; a directory with its slash and without (the edge then adds it); and a link
 * that nobody holds, if it has an alias. That is a link `NAME` to `XX/NAME` (two hex digits) beneath one of the folders
 * `aliases`, whose target somebody holds who does not hold the link.
 */
export function entriesOf(
  inventory: Inventory,
  classOf: Uint16Array,
  classes: readonly PresenceClass[],
  aliases: readonly string[],
): Entries {
  const entries: Entry[] = [];
  const aliased = new Uint8Array(classOf.length);
  const helps = helpfulPairs(classes);
  for (let id = 0; id < classOf.length; id++) {
    const classId = classOf[id] as number;
    const path = inventory.paths.at(id) as string;
    const slot = aliases.some((folder) => path.startsWith(folder)) ? targetSlot(inventory, id) : 0;
    const aliasSlot = slot > 0 && helps(classId, classOf[inventory.leadsTo[id] as number] as number) ? slot : 0;
    if (classId === 0 && aliasSlot === 0) continue;
    if (aliasSlot > 0) aliased[id] = 1;
    if (path === '' || !isDirectoryLike(inventory, id)) entries.push(entryOf(path, classId, { aliasSlot }));
    else entries.push(entryOf(`${path}/`, classId), entryOf(path, classId, { lacksSlash: true }));
  }
  return { entries, aliased };
}

/** Which of its family a link leads to; 0 where it is none, or leads out of it. */
function targetSlot(inventory: Inventory, id: number): number {
  if (inventory.types[id] !== ObjectType.symlink || isDirectoryLike(inventory, id)) return 0;
  const path = inventory.paths.at(id) as string;
  const target = memberOf(inventory.paths.at(inventory.leadsTo[id] as number) as string);
  return target.name === path && memberOf(path).slot === 0 ? target.slot : 0;
}

/** Whether some member of the second class is not in the first. */
function helpfulPairs(classes: readonly PresenceClass[]): (link: number, target: number) => boolean {
  const known = new Map<number, boolean>();
  return (link, target) => {
    if (link === target) return false;
    const pair = link * classes.length + target;
    let helps = known.get(pair);
    if (helps === undefined) {
      const holders = new Set(classes[link]);
      helps = (classes[target] as PresenceClass).some((number) => !holders.has(number));
      known.set(pair, helps);
    }
    return helps;
  };
}
