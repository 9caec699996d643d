import { quoted, UsageError } from '../core/errors.ts';
import type { Inventory } from '../core/inventory.ts';
import type { Mirror, MirrorList } from '../core/mirror.ts';
import { canonicalRequestPath } from '../core/path.ts';

/** Restricts a check; empty = all. */
export interface Chosen {
  readonly mirrorIds: readonly string[];
  /** A path as a person writes it: "distfiles/ab". */
  readonly treePrefix: string;
}

/** In the order of the list. Throws UsageError for an id that is not on it. */
export function chosenMirrors(list: MirrorList, { mirrorIds }: Chosen): readonly Mirror[] {
  if (mirrorIds.length === 0) return list.mirrors;
  const known = new Set(list.mirrors.map((mirror) => mirror.id));
  const unknown = mirrorIds.find((id) => !known.has(id));
  if (unknown !== undefined) {
    throw new UsageError(`no mirror has the id ${quoted(unknown)}; the ids are the host names in the mirror list`);
  }
  return list.mirrors.filter((mirror) => mirrorIds.includes(mirror.id));
}

/** Two dots, encoded or not. */
const UPWARD = /^(?:\.|%2e){2}$/i;

/**
 * The ids of the objects at and below the prefix, ascending: all of them, and those that are in the tree now. Throws
 * UsageError where the prefix is no path, has `..`, or nothing of the tree lies there.
 */
export function chosenObjects(
  { paths, removedAtS }: Inventory,
  { treePrefix }: Chosen,
): { readonly all: Int32Array; readonly inTree: Int32Array } {
  if (treePrefix.split('/').some((segment) => UPWARD.test(segment)))
    throw new UsageError(`${quoted(treePrefix)} leads upward; give a path of the tree without ".."`);
  const prefix = canonicalRequestPath(treePrefix)?.replace(/\/$/, '');
  if (prefix === undefined)
    throw new UsageError(`${quoted(treePrefix)} is no path: a percent sign needs two hex digits`);
  const beneath = `${prefix}/`;
  const isChosen = (path: string) => prefix === '' || path === prefix || path.startsWith(beneath);
  const all = new Int32Array(paths.length);
  const inTree = new Int32Array(paths.length);
  let allCount = 0;
  let inTreeCount = 0;
  for (let id = 0; id < paths.length; id++) {
    if (!isChosen(paths.at(id) as string)) continue;
    all[allCount++] = id;
    if (removedAtS[id] === 0) inTree[inTreeCount++] = id;
  }
  if (inTreeCount === 0) {
    const where =
      prefix === '' ? 'the inventory holds no object' : `no object of the inventory lies under ${quoted(treePrefix)}`;
    throw new UsageError(`${where}; run "redirector inventory" or give another prefix`);
  }
  return { all: all.subarray(0, allCount), inTree: inTree.subarray(0, inTreeCount) };
}
