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

/** A class id and a flag bit take two digits of the bucket's palette. */
export const MOST_CLASSES = 4_000;

/**
 * Groups objects by who holds them. `columns[n]` is the presence at access point number n. Ids of `previous` are kept
 * and new classes get the next ones, until there are more than `mostClasses`: then all are numbered anew, and of what
 * is still too many the rarest are narrowed to a smaller set that is kept (a holder is forgotten, never made up).
 */
export function classify(
  columns: readonly PresenceColumn[],
  objectCount: number,
  previous: readonly PresenceClass[],
  mostClasses: number = MOST_CLASSES,
): Classes {
  const groups = groupByRow(columns, objectCount);
  const known = new Map(previous.map((members, id) => [members.join(), id]));
  const classes = previous.length === 0 ? [[]] : [...previous];
  const idOf = groups.members.map((members) => {
    const key = members.join();
    const id = members.length === 0 ? 0 : (known.get(key) ?? classes.push(members) - 1);
    known.set(key, id);
    return id;
  });
  if (classes.length <= mostClasses) {
    return { classes, classOf: mapped(groups.groupOf, idOf), appended: true };
  }
  return numberedAnew(groups, mostClasses);
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

function numberedAnew(groups: Groups, mostClasses: number): Classes {
  const byUse = groups.members
    .map((_, group) => group)
    .sort((a, b) => (groups.sizes[b] as number) - (groups.sizes[a] as number));
  const filled = byUse.filter((group) => (groups.members[group] as PresenceClass).length > 0);
  const classes: PresenceClass[] = [
    [],
    ...filled.slice(0, mostClasses - 1).map((group) => groups.members[group] as PresenceClass),
  ];
  const idOf = new Array<number>(groups.members.length).fill(0);
  filled.forEach((group, place) => {
    idOf[group] = place < mostClasses - 1 ? place + 1 : widestSubset(classes, groups.members[group] as PresenceClass);
  });
  return { classes, classOf: mapped(groups.groupOf, idOf), appended: false };
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
