import type { HeadAnswer, HeadClient } from './head-client.ts';

/**
 * What a host does with several requests under way on one connection: answers them as it does single ones; leaves some
 * without an answer; or gives other answers, which no pipelined answer can be told from.
 */
export type Pipelining = 'right' | 'wanting' | 'wrong';

/** What a host answered to paths that it was asked for one at a time. */
export interface Alone {
  /**
   * Paths that exist and paths that don't should take turns, and those that do should have different sizes: then neither
   * swapped nor dropped answers go unseen.
   */
  readonly paths: readonly string[];
  /** Null is no answer. */
  readonly answers: readonly (HeadAnswer | null)[];
  /** An answer was followed by bytes that are no answer. */
  readonly isMismatched: boolean;
}

/**
 * Asks for the same paths all at once on one connection, and compares. With `http2` the host is to answer over HTTP/2,
 * where it can mix up nothing but itself: a host that does not speak it is wanting.
 */
export async function tryPipelining(client: HeadClient, alone: Alone, http2 = false): Promise<Pipelining> {
  if (alone.isMismatched) return 'wrong';
  // Only what was answered alone can be compared; half of the pairs still tell a mix-up.
  const asked = alone.paths.filter((_, i) => alone.answers[i] !== null);
  if (asked.length <= alone.paths.length / 2) return 'wanting';
  const deep = { first: asked.length, most: asked.length };
  const together = await client.askFew(asked, { connections: 1, depth: deep, http2 });
  if (http2 && !together.report.isHttp2) return 'wanting';
  if (together.report.isMismatched) return 'wrong';
  return comparePipelined(
    alone.answers.filter((answer) => answer !== null),
    together.answers,
  );
}

/** Pure: null is no answer. */
export function comparePipelined(alone: readonly HeadAnswer[], together: readonly (HeadAnswer | null)[]): Pipelining {
  const pairs = alone.map((answer, i) => [answer, together[i] ?? null] as const);
  if (pairs.some(([one, other]) => other !== null && !isSame(one, other))) return 'wrong';
  return pairs.some(([, other]) => other === null) ? 'wanting' : 'right';
}

/** Whether two answers say the same of an object. */
export function isSame(one: HeadAnswer, other: HeadAnswer): boolean {
  return one.status === other.status && (one.status !== 200 || one.lengthBytes === other.lengthBytes);
}

/** A fair sample of a stream of answers of one kind, of which there may be any number (reservoir sampling). */
export class AnswerSample {
  readonly answers: { readonly index: number; readonly answer: HeadAnswer }[] = [];
  readonly #size: number;
  readonly #random: () => number;
  #seen = 0;

  constructor(size: number, random: () => number = Math.random) {
    this.#size = size;
    this.#random = random;
  }

  add(index: number, status: number, lengthBytes: number): void {
    const place = this.#seen < this.#size ? this.#seen : Math.floor(this.#random() * (this.#seen + 1));
    this.#seen++;
    if (place < this.#size) this.answers[place] = { index, answer: { status, lengthBytes, location: '' } };
  }
}

/** Of more than so many answers one may have changed, because its object has; two of a sample have not. */
const FEW_ANSWERS = 12;

/**
 * Pure: whether answers hold that were asked for again, one at a time; both in the same order, null is no answer. No
 * answer is no contradiction, nor is one that proves nothing.
 */
export function areConfirmed(before: readonly HeadAnswer[], again: readonly (HeadAnswer | null)[]): boolean {
  const changed = before.filter((answer, i) => {
    const other = again[i] ?? null;
    return other !== null && proves(other) && !isSame(answer, other);
  });
  return changed.length <= (before.length > FEW_ANSWERS ? 1 : 0);
}

function proves({ status }: HeadAnswer): boolean {
  return status === 200 || status === 404 || status === 410;
}
