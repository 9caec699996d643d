import type { LookedUp } from './looked-up.ts';

/** Objects that stand for those whom the keys answer alike. */
export interface Kinds {
  /** By class: an object that is answered by it alone. */
  readonly ofClass: ReadonlyMap<number, number>;
  /** By the class of links: one for each class of their targets. */
  readonly ofPairs: ReadonlyMap<number, readonly number[]>;
  /** How many different ones there are. */
  readonly classes: number;
  readonly pairs: number;
}

export function kindsOf({ classOf, aliasOf }: LookedUp): Kinds {
  const ofClass = new Map<number, number>();
  const byPair = new Map<number, Map<number, number>>();
  for (const [id, classId] of classOf.entries()) {
    const aliasClassId = aliasOf[id] as number;
    if (aliasClassId === 0) {
      if (classId !== 0 && !ofClass.has(classId)) ofClass.set(classId, id);
      continue;
    }
    const targets = byPair.get(classId) ?? new Map<number, number>();
    byPair.set(classId, targets);
    if (!targets.has(aliasClassId)) targets.set(aliasClassId, id);
  }
  const ofPairs = new Map([...byPair].map(([classId, targets]) => [classId, [...targets.values()]]));
  const pairs = [...ofPairs.values()].reduce((sum, some) => sum + some.length, 0);
  const classes = new Set([...ofClass.keys(), ...ofPairs.keys()].filter((classId) => classId !== 0)).size;
  return { ofClass, ofPairs, classes, pairs };
}
