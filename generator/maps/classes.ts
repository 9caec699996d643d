import { MOST_CLASSES } from '../../core/edge-keys.ts';
import { FormatError } from '../../core/errors.ts';
import { Outcome } from '../../core/observations.ts';
import type { PresenceColumn } from '../../core/presence.ts';

/** A set of access points, as ascending numbers. */
export type PresenceClass = readonly number[];

export interface Classes {
  /** By class id. Class 0 is the empty set: nobody holds it. */
  readonly classes: readonly PresenceClass[];
  /** By object id: its class. */
  readonly classOf: Uint16Array;
  /** Whether ids mean what they meant in `previous`. False: a new epoch has to begin. */
  readonly appended: boolean;
}

/** So large a part of the held objects may forget a holder before all classes are numbered anew. */
const MOST_NARROWED = 0.01;

/**
 * Groups objects by who holds them. `columns[n]` is the presence at access point number n. Ids of `previous` are kept
 * and new classes get the next ones, those of the most objects first, as long as there are no more than `mostClasses`.
 * What is still too many is narrowed to a smaller set that is kept (a holder is forgotten, never made up); where that
 * meets more than 1 % of the objects, all classes are numbered anew, and those that no object is of any more go.
 */
export function classify(
  columns: readonly PresenceColumn[],
  objectCount: number,
  previous: readonly PresenceClass[],
  mostClasses: number = MOST_CLASSES,
): Classes {
  const groups = groupByRow(columns, objectCount);
  const kept = numbered(groups, previous, mostClasses);
  if (previous.length === 0) return { ...kept, appended: kept.narrowed === 0 };
  const isTooNarrow = kept.narrowed > MOST_NARROWED * objectCount || previous.length > mostClasses;
  return isTooNarrow ? { ...numbered(groups, [], mostClasses), appended: false } : { ...kept, appended: true };
}

interface Groups {
  readonly groupOf: Uint32Array;
  readonly members: readonly PresenceClass[];
  readonly sizes: readonly number[];
}

/** Objects with equal rows share a group. Rows are told apart by a 64-bit Zobrist hash, and then compared. */
function groupByRow(columns: readonly PresenceColumn[], objectCount: number): Groups {
  const high = new Uint32Array(objectCount);
  const low = new Uint32Array(objectCount);
  columns.forEach((column, n) => {
    const [a, b] = [scramble(2 * n + 1), scramble(2 * n + 2)];
    for (let id = 0; id < objectCount; id++) {
      if (column[id] === Outcome.present) {
        high[id] = (high[id] as number) ^ a;
        low[id] = (low[id] as number) ^ b;
      }
    }
  });
  const groupOf = new Uint32Array(objectCount);
  const byHash = new Map<number, number>();
  const first: number[] = [];
  const sizes: number[] = [];
  for (let id = 0; id < objectCount; id++) {
    const hash = (high[id] as number) * 0x200000 + ((low[id] as number) >>> 11);
    let group = byHash.get(hash);
    if (group === undefined) {
      group = first.push(id) - 1;
      byHash.set(hash, group);
      sizes.push(0);
    }
    groupOf[id] = group;
    sizes[group] = (sizes[group] as number) + 1;
  }
  for (const column of columns) {
    for (let id = 0; id < objectCount; id++) {
      const same =
        (column[id] === Outcome.present) === (column[first[groupOf[id] as number] as number] === Outcome.present);
      if (!same) throw new FormatError('two different presence rows share a hash: an object would be sent astray');
    }
  }
  const members = first.map((id) => columns.flatMap((column, n) => (column[id] === Outcome.present ? [n] : [])));
  return { groupOf, members, sizes };
}

/** The finaliser of MurmurHash3: spreads small numbers over 32 bits. */
function scramble(n: number): number {
  let h = Math.imul(n, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Class ids for all groups; `narrowed` objects are in a class that lacks a holder of theirs. */
function numbered(groups: Groups, previous: readonly PresenceClass[], mostClasses: number) {
  const classes: PresenceClass[] = previous.length === 0 ? [[]] : [...previous];
  const known = new Map(classes.map((members, id) => [members.join(), id]));
  const idOf = new Array<number>(groups.members.length).fill(0);
  const byUse = groups.members
    .map((_, group) => group)
    .sort((a, b) => (groups.sizes[b] as number) - (groups.sizes[a] as number));
  const tooMany: number[] = [];
  for (const group of byUse) {
    const members = groups.members[group] as PresenceClass;
    const id = known.get(members.join());
    if (id !== undefined) idOf[group] = id;
    else if (classes.length < mostClasses) idOf[group] = classes.push(members) - 1;
    else tooMany.push(group);
  }
  for (const group of tooMany) idOf[group] = widestSubset(classes, groups.members[group] as PresenceClass);
  const narrowed = tooMany.reduce((sum, group) => sum + (groups.sizes[group] as number), 0);
  return { classes, classOf: mapped(groups.groupOf, idOf), narrowed };
}

function widestSubset(classes: readonly PresenceClass[], members: PresenceClass): number {
  const all = new Set(members);
  let best = 0;
  classes.forEach((candidate, id) => {
    const wider = candidate.length > (classes[best] as PresenceClass).length;
    if (wider && candidate.every((n) => all.has(n))) best = id;
  });
  return best;
}

function mapped(groupOf: Uint32Array, idOf: readonly number[]): Uint16Array {
  return Uint16Array.from(groupOf, (group) => idOf[group] as number);
}
