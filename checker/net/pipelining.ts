import type { HeadAnswer, HeadClient } from './head-client.ts';

/**
 * What a host does with several requests under way on one connection: answers them as it does single ones; leaves some
 * without an answer; or gives other answers, which no pipelined answer can be told from.
 */
export type Pipelining = 'right' | 'wanting' | 'wrong';

const CONNECTIONS = 4;

/**
 * Asks for the paths one at a time, then all of them on one connection at once, and compares. Paths that exist and
 * paths that don't should take turns, and those that do should have different sizes: then neither swapped nor dropped
 * answers go unseen. With `http2` the host is to answer over HTTP/2, where it can mix up nothing but itself: a host that
 * does not speak it is wanting.
 */
export async function tryPipelining(client: HeadClient, paths: readonly string[], http2 = false): Promise<Pipelining> {
  const single = await client.askFew(paths, { connections: CONNECTIONS, depth: { first: 1, most: 1 } });
  if (single.report.isMismatched) return 'wrong';
  // Only what was answered alone can be compared; half of the pairs still tell a mix-up.
  const asked = paths.filter((_, i) => single.answers[i] !== null);
  if (asked.length <= paths.length / 2) return 'wanting';
  const alone = single.answers.filter((answer) => answer !== null);
  const deep = { first: asked.length, most: asked.length };
  const together = await client.askFew(asked, { connections: 1, depth: deep, http2 });
  if (http2 && !together.report.isHttp2) return 'wanting';
  if (together.report.isMismatched) return 'wrong';
  return comparePipelined(alone, together.answers);
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

/** One object may have changed between two answers; more than one of a sample has not. */
const MAX_CHANGED = 1;

/** Whether a sample of pipelined answers holds when it is asked again, one at a time. No answer is no contradiction. */
export async function isConfirmed(
  client: HeadClient,
  samples: Iterable<AnswerSample>,
  pathOf: (index: number) => string,
): Promise<boolean> {
  const sampled = [...samples].flatMap((sample) => sample.answers);
  const paths = sampled.map(({ index }) => pathOf(index));
  const { answers } = await client.askFew(paths, { connections: CONNECTIONS, depth: { first: 1, most: 1 } });
  const changed = sampled.filter(({ answer }, i) => {
    const again = answers[i];
    return again !== null && again !== undefined && proves(again) && !isSame(answer, again);
  });
  return changed.length <= MAX_CHANGED;
}

function proves({ status }: HeadAnswer): boolean {
  return status === 200 || status === 404 || status === 410;
}
