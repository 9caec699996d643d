import { MOST_CLASSES } from '../../core/edge-keys.ts';
import { FormatError } from '../../core/errors.ts';
import { Outcome } from '../../core/observations.ts';
import type { PresenceColumn } from '../../core/presence.ts';
import { type ClassIds, type Numbered, numberSets, type PresenceClass } from './class-ids.ts';

export interface Classes {
  readonly ids: ClassIds;
  /** By object id: its class. */
  readonly classOf: Uint16Array;
  /** Whether the ids' keys may mix with those of `previous`. False: a new epoch has to begin. */
  readonly continues: boolean;
}

/** So large a part of the objects may forget a holder before all classes are numbered anew. */
const MOST_NARROWED = 0.01;

/**
 * Groups objects by who holds them. `columns[n]` is the presence at access point number n. Ids are kept, retired and used
 * again as `numberSets` tells. Where too many sets are left over, so that more than 1 % of the objects would forget a
 * holder, all classes are numbered anew, unless that would help less than half of those objects.
 */
export function classify(
  columns: readonly PresenceColumn[],
  objectCount: number,
  previous: ClassIds | null,
  nowS: number,
  mostClasses: number = MOST_CLASSES,
): Classes {
  const { groupOf, members, sizes } = groupByRow(columns, objectCount);
  const result = ({ ids, idOf }: Numbered, continues: boolean): Classes => ({
    ids,
    classOf: Uint16Array.from(groupOf, (group) => idOf[group] as number),
    continues,
  });
  const isLonger = previous !== null && previous.classes.length > mostClasses;
  const kept = numberSets(members, sizes, previous, nowS, mostClasses);
  if (previous === null || (!isLonger && kept.narrowed <= MOST_NARROWED * objectCount)) return result(kept, true);
  const anew = numberSets(members, sizes, null, nowS, mostClasses);
  return isLonger || anew.narrowed <= kept.narrowed / 2 ? result(anew, false) : result(kept, true);
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
