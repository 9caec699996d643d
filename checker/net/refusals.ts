/** "Not so fast": too many requests, or none to spare for us (RFC 6585, 4; RFC 9110, 15.6.4). */
export function isRefusal(status: number): boolean {
  return status === 429 || status === 503;
}

/** An object whose question is refused so often has got its answer. */
const MAX_REFUSALS = 3;
/** After so many such objects in a row the host is given up; */
const MAX_REFUSED_IN_A_ROW = 5;
/** and after so many pauses in a row, with nothing but refusals between. */
const MAX_PAUSES_IN_A_ROW = 8;

/** The questions of a run that were answered with 429 or 503. */
export class Refusals {
  /** To be asked again, before all others. */
  readonly waiting: number[] = [];
  /** Their last try, before that: by itself, since what else is asked may be what makes the host refuse. */
  readonly alone: number[] = [];
  /** 429 or 503 while that is all that is answered; else 0. */
  status = 0;
  readonly #counts = new Map<number, number>();
  #inARow = 0;
  #pausesInARow = 0;

  /** Another answer came: the host is itself again. */
  over(): void {
    this.#inARow = 0;
    this.#pausesInARow = 0;
    this.status = 0;
  }

  /** Whether there is another try for it. `isNew`: it is not one of many that were under way together. */
  isAskedAgain(index: number, status: number, isNew: boolean): boolean {
    this.status = status;
    if (isNew) this.#pausesInARow++;
    const count = (this.#counts.get(index) ?? 0) + 1;
    this.#counts.set(index, count);
    if (count === MAX_REFUSALS) this.#inARow++;
    else (count === MAX_REFUSALS - 1 ? this.alone : this.waiting).push(index);
    return count < MAX_REFUSALS;
  }

  get isEndless(): boolean {
    return this.#inARow >= MAX_REFUSED_IN_A_ROW || this.#pausesInARow >= MAX_PAUSES_IN_A_ROW;
  }
}
