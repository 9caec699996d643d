/** A set of access points, as ascending numbers. */
export type PresenceClass = readonly number[];

/** Which set a class id means, and for how long it has been idle. Of one epoch, every column by class id. */
export interface ClassIds {
  /** Class 0 is the empty set: nobody holds it. No two ids mean the same set. */
  readonly classes: readonly PresenceClass[];
  /** Since when no object is of it, in seconds; 0 = some is. */
  readonly unusedSinceS: Uint32Array;
  /** Since when the edge's tables name nobody for it, in seconds; 0 = they name its holders. */
  readonly retiredAtS: Uint32Array;
}

/**
 * An unused class is retired after this time. Classes come and go with every hour's changes; one that comes back within
 * a build or two has then changed no table, and objects on their way out of it are still found by whoever reads their
 * old bucket beside a new table.
 */
export const RETIRE_AFTER_S = 2 * 3_600;

/**
 * A retired id may mean another set after this time. Two builds that are published one after the other mix at the edge;
 * as long as they are no farther apart than this, none of them names a holder by an id that means another set to the
 * other. (Those farther apart come over in stages: generator/publish/cloudfront/stages.ts.) In busy weeks some 30 new
 * sets an hour come up, and most are gone again within hours: a longer time would not leave enough of the 512 ids.
 */
export const REUSE_AFTER_S = 8 * 3_600;

export interface Numbered {
  readonly ids: ClassIds;
  /** By set: its class id. */
  readonly idOf: readonly number[];
  /** So many objects are in a class that lacks a holder of theirs. */
  readonly narrowed: number;
}

/**
 * Class ids for sets of holders, `sizes` telling how many objects are held so. A set keeps the id that means it, be that
 * unused or retired. New ones get, those of the most objects first, ids that have been retired for long enough, the
 * longest first, then the next ones while there are no more than `mostClasses`. What is left is narrowed to the largest
 * smaller set that has an id: a holder is forgotten, never made up. Pure.
 */
export function numberSets(
  sets: readonly PresenceClass[],
  sizes: readonly number[],
  previous: ClassIds | null,
  nowS: number,
  mostClasses: number,
): Numbered {
  const classes: PresenceClass[] = previous === null ? [[]] : [...previous.classes];
  const known = new Map(classes.map((members, id) => [members.join(), id]));
  const idOf = sets.map((members) => known.get(members.join()) ?? -1);
  const free = reusable(previous, new Set(idOf), nowS);
  const bySize = [...sets.keys()].sort((a, b) => (sizes[b] as number) - (sizes[a] as number));
  const tooMany: number[] = [];
  for (const set of bySize.filter((one) => idOf[one] === -1)) {
    const id = free.shift() ?? classes.length;
    if (id < mostClasses) {
      classes[id] = sets[set] as PresenceClass;
      idOf[set] = id;
    } else tooMany.push(set);
  }
  for (const set of tooMany) idOf[set] = widestSubset(classes, sets[set] as PresenceClass);
  const narrowed = tooMany.reduce((sum, set) => sum + (sizes[set] as number), 0);
  return { ids: { classes, ...idleTimes(classes.length, new Set(idOf), previous, nowS) }, idOf, narrowed };
}

/** What the tables are to name: nobody for a retired class. */
export function namedHolders({ classes, retiredAtS }: ClassIds): readonly PresenceClass[] {
  return classes.map((members, id) => (retiredAtS[id] === 0 ? members : []));
}

function reusable(previous: ClassIds | null, used: ReadonlySet<number>, nowS: number): number[] {
  if (previous === null) return [];
  const { retiredAtS } = previous;
  const isFree = (id: number) =>
    !used.has(id) && (retiredAtS[id] as number) > 0 && nowS - (retiredAtS[id] as number) >= REUSE_AFTER_S;
  return [...retiredAtS.keys()].filter(isFree).sort((a, b) => (retiredAtS[a] as number) - (retiredAtS[b] as number));
}

function idleTimes(count: number, used: ReadonlySet<number>, previous: ClassIds | null, nowS: number) {
  const unusedSinceS = new Uint32Array(count);
  const retiredAtS = new Uint32Array(count);
  for (let id = 1; id < count; id++) {
    if (used.has(id)) continue;
    const sinceS = previous?.unusedSinceS[id] || nowS;
    unusedSinceS[id] = sinceS;
    retiredAtS[id] = previous?.retiredAtS[id] || (nowS - sinceS >= RETIRE_AFTER_S ? nowS : 0);
  }
  return { unusedSinceS, retiredAtS };
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
