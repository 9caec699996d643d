import { directoriesInTurn, directoryOf } from './directory.ts';
import type { Lines } from './lines.ts';
import type { ObjectPath } from './path.ts';

/** What an object is. The numbers are part of the file format. */
export const ObjectType = { file: 0, symlink: 1, directory: 2 } as const;
export type ObjectTypeCode = (typeof ObjectType)[keyof typeof ObjectType];

/**
 * All objects ever known of the master's tree, as columns. An object's id is its position; ids are never reused, so
 * a vanished object keeps its row with the time it was missed first.
 */
export interface Inventory {
  /** When the newest of the sources was read, in milliseconds since 1970. */
  readonly takenAtMs: number;
  /** Canonical paths (core/path.ts), none twice. */
  readonly paths: Lines;
  readonly types: Uint8Array;
  /** What a viewer of the path receives: a file's bytes, or those of the file that a link leads to; -1 = no such figure (directories). */
  readonly sizeBytes: Float64Array;
  readonly mtimeS: Float64Array;
  /** A link's target as it is written, percent-encoded like a path (`..` and a leading `/` are kept); '' for other types. */
  readonly targets: Lines;
  /** The id of the object at the end of a link's chain; the object's own id for files and directories. */
  readonly leadsTo: Int32Array;
  /** Seconds since 1970. */
  readonly firstSeenS: Uint32Array;
  /** Seconds since 1970; 0 = it is in the tree. */
  readonly removedAtS: Uint32Array;
}

/** An inventory with all its texts in memory. */
export interface LoadedInventory extends Inventory {
  readonly paths: readonly ObjectPath[];
  readonly targets: readonly string[];
}

/** The path to ask a server for: a directory's has a trailing slash. No leading slash. */
export function requestPath(inventory: Inventory, id: number): string {
  const path = inventory.paths.at(id) as string;
  return inventory.types[id] === ObjectType.directory && path !== '' ? `${path}/` : path;
}

/** Whether a viewer of this object receives a directory: one, or a link that leads to one. */
export function isDirectoryLike(inventory: Inventory, id: number): boolean {
  return inventory.types[inventory.leadsTo[id] as number] === ObjectType.directory;
}

/**
 * Which objects lie beneath a link to a directory, by id: 1 = it does. Such an object is made from the real one that
 * it leads to. No listing of a server shows it, so a missing one there proves nothing: it is proven by a request of
 * its own. Real links, which listings do show, are 0.
 */
export function beneathLinks(inventory: Inventory): Uint8Array {
  const { paths, types } = inventory;
  const linksToDirectories = new Set<ObjectPath>();
  for (let id = 0; id < paths.length; id++) {
    if (types[id] === ObjectType.symlink && isDirectoryLike(inventory, id))
      linksToDirectories.add(paths.at(id) as string);
  }
  const beneath = new Uint8Array(paths.length);
  if (linksToDirectories.size === 0) return beneath;
  const isBeneath = (directory: ObjectPath): boolean =>
    directory !== '' && (linksToDirectories.has(directory) || isBeneath(directoryOf(directory)));
  const inTurn = directoriesInTurn();
  let last: ObjectPath = '';
  let isLastBeneath = false;
  for (let id = 0; id < paths.length; id++) {
    if (types[id] !== ObjectType.symlink) continue;
    const directory = inTurn(paths.at(id) as string);
    if (directory !== last) isLastBeneath = isBeneath(directory);
    last = directory;
    beneath[id] = isLastBeneath ? 1 : 0;
  }
  return beneath;
}
