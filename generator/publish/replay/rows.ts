import type { Claim, Judge } from './judge.ts';

/** Claims as small numbers: equal sets of access points have the same; 0 is the fallback's empty set. */
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

/** All access points that some viewer is sent to. */
export function unionOf(row: Row, sets: ClaimSets): number[] {
  const union = new Set<number>();
  for (const id of new Set(row)) for (const place of sets.setOf(id)) union.add(place);
  return [...union];
}

/**
 * The fewest viewers (greedily) who are told different things of any two rows that differ anywhere: whoever is told the
 * same as a row by these is told the same by all.
 */
export function separatingViewers(rows: readonly Row[]): number[] {
  const viewers = rows[0]?.length ?? 0;
  const wanted = new Set(rows.map((row) => row.join())).size;
  const chosen: number[] = [];
  let block = new Array<number>(rows.length).fill(0);
  for (let blocks = Math.min(1, rows.length); blocks < wanted; ) {
    let best = { viewer: -1, blocks, split: block };
    for (let viewer = 0; viewer < viewers; viewer++) {
      const split = splitBy(rows, block, viewer);
      if (split.blocks > best.blocks) best = { viewer, ...split };
    }
    chosen.push(best.viewer);
    block = best.split;
    blocks = best.blocks;
  }
  return chosen.length === 0 && viewers > 0 ? [0] : chosen;
}

function splitBy(rows: readonly Row[], block: readonly number[], viewer: number) {
  const ids = new Map<number, number>();
  const split = rows.map((row, i) => {
    // Claim sets are far fewer than 2^24, blocks than 2^16.
    const key = (block[i] as number) * 0x1000000 + (row[viewer] as number);
    const id = ids.get(key) ?? ids.size;
    ids.set(key, id);
    return id;
  });
  return { split, blocks: ids.size };
}

export function isWrong(claim: Claim): claim is string {
  return typeof claim === 'string';
}

/** The first access point of a union that does not hold the object; -1 = all do. */
export function firstWithout(judge: Judge, union: readonly number[], id: number): number {
  for (const place of union) if (!judge.holds(place, id)) return place;
  return -1;
}
