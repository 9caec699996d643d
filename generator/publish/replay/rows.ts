import type { Claim, Judge } from './judge.ts';

/** Claims as small numbers: equal sets have the same; 0 is the fallback's empty set. */
export class ClaimSets {
  readonly #ids = new Map<string, number>([['', 0]]);
  readonly #sets: (readonly number[])[] = [[]];

  idOf(places: readonly number[]): number {
    const key = places.length < 2 ? places.join() : [...places].sort((a, b) => a - b).join();
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#sets.push(places) - 1;
      this.#ids.set(key, id);
    }
    return id;
  }

  setOf(id: number): readonly number[] {
    return this.#sets[id] as readonly number[];
  }
}

/** What all viewers are told of the objects of one class: by viewer, the id of a claim set. */
export type Row = Int32Array;

/** All that some viewer is told. */
export function unionOf(row: Row, sets: ClaimSets): number[] {
  const union = new Set<number>();
  for (const id of new Set(row)) for (const place of sets.setOf(id)) union.add(place);
  return [...union];
}

/**
 * Which class an object is of, by questions: `viewer` is asked, and what it is told leads on. At the end stands the row:
 * no other one gives the same answers on the way.
 */
export type Question =
  | { readonly viewer: number; readonly next: ReadonlyMap<number, Question> }
  | { readonly viewer: null; readonly row: Row };

/** Questions that tell any two rows that differ anywhere apart; the fewest (greedily) for rows of great weight. */
export function questionsFor(rows: readonly Row[], weights: readonly number[]): Question {
  const all = rows.map((row, i) => ({ row, weight: weights[i] as number }));
  const unlike = new Map(all.map((one) => [one.row.join(), one]));
  return questionFor([...unlike.values()]);
}

type Weighed = { readonly row: Row; readonly weight: number };

function questionFor(rows: readonly Weighed[]): Question {
  const [first] = rows as [Weighed];
  if (rows.length === 1) return { viewer: null, row: first.row };
  let best = { viewer: -1, doubt: Number.POSITIVE_INFINITY };
  for (let viewer = 0; viewer < first.row.length; viewer++) {
    const doubt = doubtAfter(rows, viewer);
    if (doubt < best.doubt) best = { viewer, doubt };
  }
  const { viewer } = best;
  const groups = new Map<number, Weighed[]>();
  for (const one of rows) {
    const claim = one.row[viewer] as number;
    groups.set(claim, [...(groups.get(claim) ?? []), one]);
  }
  return { viewer, next: new Map([...groups].map(([claim, group]) => [claim, questionFor(group)])) };
}

/** What is left to tell apart, on average over all objects: log2 of the rows in an answer's group. */
function doubtAfter(rows: readonly Weighed[], viewer: number): number {
  const groups = new Map<number, { rows: number; weight: number }>();
  for (const { row, weight } of rows) {
    const claim = row[viewer] as number;
    const group = groups.get(claim);
    if (group === undefined) groups.set(claim, { rows: 1, weight });
    else {
      group.rows++;
      group.weight += weight;
    }
  }
  // A viewer who tells nobody apart is no question.
  if (groups.size === 1) return Number.POSITIVE_INFINITY;
  let doubt = 0;
  for (const group of groups.values()) doubt += group.weight * Math.log2(group.rows);
  return doubt;
}

export function isWrong(claim: Claim): claim is string {
  return typeof claim === 'string';
}

/** The first claim of a union that is not true of the object; -1 = all are. */
export function firstWithout(judge: Judge, union: readonly number[], id: number): number {
  for (const claim of union) if (!judge.holds(claim, id)) return claim;
  return -1;
}
