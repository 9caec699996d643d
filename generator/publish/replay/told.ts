import type { Roots } from './claims.ts';

/** Of a class: holders of the table; where it names none that is up, those world-wide. Claims, in no order. */
export interface ClassTold {
  readonly near: readonly number[];
  readonly far: readonly number[];
}

const NOBODY: readonly number[] = [];

/** Equal answers are kept once: most tables say few different things of many classes. */
export class KeptClaims {
  readonly #kept = new Map<string, readonly number[]>();

  keep(claims: readonly number[]): readonly number[] {
    const key = claims.join();
    const kept = this.#kept.get(key) ?? claims;
    this.#kept.set(key, kept);
    return kept;
  }
}

/**
 * What viewers of one table are told of each class, and so of each pair of a link's class and its target's: who holds
 * the link is named for it; who holds the target alone, for that; and where there is neither, whoever holds the target
 * world-wide.
 */
export class Told {
  readonly #roots: Roots;
  readonly #kept: KeptClaims;
  readonly #near: (readonly number[] | undefined)[] = [NOBODY];
  readonly #far: (readonly number[] | undefined)[] = [NOBODY];

  constructor(roots: Roots, kept: KeptClaims) {
    this.#roots = roots;
    this.#kept = kept;
  }

  learn(classId: number, claims: readonly number[], isFar: boolean): void {
    const kept = this.#kept.keep(claims);
    this.#near[classId] = isFar ? NOBODY : kept;
    this.#far[classId] = isFar ? kept : NOBODY;
  }

  knows(classId: number): boolean {
    return this.#near[classId] !== undefined;
  }

  /** `aliasClassId` is 0 for what is answered with the object alone. Empty = the fallback. */
  of(classId: number, aliasClassId: number): readonly number[] {
    const own = this.#near[classId] ?? NOBODY;
    if (aliasClassId === 0) return own.length > 0 ? own : (this.#far[classId] ?? NOBODY);
    const alias = (claim: number) => this.#roots.aliasOf(claim);
    const others = (this.#near[aliasClassId] ?? NOBODY).filter((claim) => !own.includes(claim));
    if (own.length + others.length > 0) return [...own, ...others.map(alias)];
    return (this.#far[aliasClassId] ?? NOBODY).map(alias);
  }

  forEach(show: (classId: number, told: ClassTold) => void): void {
    this.#near.forEach((near, classId) => {
      if (near !== undefined) show(classId, { near, far: this.#far[classId] ?? NOBODY });
    });
  }
}

export function isSameSet(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}
