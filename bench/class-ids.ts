import type { ClassIds } from '../generator/maps/class-ids.ts';
import { classify } from '../generator/maps/classes.ts';
import { byHour, type Change, HOUR_S, MovingTree } from './moving-tree.ts';

const BUILDS = 200;
const SHOWN = [0, 40, 100, BUILDS - 1];
/** They make as many classes as all of a tree's would. */
const OLD_OBJECTS = 2_000;

/** How many class ids hourly builds come to, where ids are used again and where they are not. */
export function classIdsTable(changes: readonly Change[]): string {
  const beginS = [...byHour(changes).keys()].sort((a, b) => a - b)[2_000] as number;
  const tree = new MovingTree(changes, beginS, BUILDS * HOUR_S, OLD_OBJECTS);
  let again: ClassIds | null = null;
  let onlyAdded: ClassIds | null = null;
  const rows: string[] = [];
  for (let build = 0; build < BUILDS; build++) {
    const atS = beginS + build * HOUR_S;
    const columns = tree.columns(atS);
    const made = classify(columns, tree.objectCount, again, atS, Number.POSITIVE_INFINITY);
    again = made.ids;
    onlyAdded = withoutRetirement(classify(columns, tree.objectCount, onlyAdded, atS, Number.POSITIVE_INFINITY).ids);
    if (!SHOWN.includes(build)) continue;
    const cells = [build, new Set(made.classOf).size, onlyAdded.classes.length, again.classes.length];
    rows.push(`| ${cells.join(' | ')} |`);
  }
  return [
    '| hourly builds later | classes in use | ids, if only added | ids, used again |',
    '|--:|--:|--:|--:|',
    ...rows,
  ].join('\n');
}

function withoutRetirement(ids: ClassIds): ClassIds {
  return { ...ids, retiredAtS: new Uint32Array(ids.classes.length) };
}
