import { Refusals } from './refusals.ts';

/** Which question of a run is the next. */
export class HeadQueue {
  /** Questions before this one were begun. */
  next = 0;
  readonly refusals = new Refusals();
  readonly #count: number;
  readonly #isEnough: () => boolean;
  /** No question from this one on is begun. */
  #last: number;
  #settled = 0;
  /** Taken and not back; what failed and is asked again is still under way. */
  #underWay = 0;
  /** What is under way is to be so by itself. */
  #isAlone = false;

  /** `isEnough`: looked at before each new question but the first; once true, none is begun any more. */
  constructor(count: number, isEnough: () => boolean = () => false) {
    this.#count = count;
    this.#last = count;
    this.#isEnough = isEnough;
  }

  /** The index of the next question; -1 = none is left, or none may be asked yet. `isAdmitted` takes it from an account. */
  take(isAdmitted: () => boolean): number {
    const { waiting, alone } = this.refusals;
    if (this.#isAlone) return -1;
    const isAlone = alone.length > 0;
    if (isAlone ? this.#underWay > 0 : waiting.length === 0 && !this.#hasMore()) return -1;
    if (!isAdmitted()) return -1;
    this.#isAlone = isAlone;
    this.#underWay++;
    // Those refused last first: else a storm that meets hundreds under way would be waited for as often as they are many.
    return alone.pop() ?? waiting.pop() ?? this.next++;
  }

  /** A question is not under way any more. True = the others, which waited for that, may ask again. */
  back(): boolean {
    const wasAlone = this.#isAlone;
    this.#underWay--;
    this.#isAlone = false;
    return wasAlone;
  }

  /** A question has its answer, or none for good. */
  settle(): void {
    this.#settled++;
  }

  /** null = something is under way, or to be asked. */
  get ended(): 'whole' | 'enough' | null {
    if (this.#settled < this.#last) return null;
    return this.#last === this.#count ? 'whole' : 'enough';
  }

  #hasMore(): boolean {
    if (this.next < this.#last && this.next > 0 && this.#isEnough()) this.#last = this.next;
    return this.next < this.#last;
  }
}
