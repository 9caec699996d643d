import { setImmediate as turn } from 'node:timers/promises';
import { RunError } from '../../../core/errors.ts';
import type { BuiltFunction, FunctionResponse } from '../../../core/function-event.ts';
import type { Progress, Task } from '../../../core/progress.ts';
import { eventOf, type Viewer } from './event.ts';

/** So often others get their turn: Ctrl-C, the lock's renewal, the progress bar. */
const ANSWERS_PER_TURN = 2000;

/** Counts all answers of a replay, and shows how many are still to come. */
export class Tally {
  readonly #signal: AbortSignal;
  readonly #task: Task;
  #answers = 0;

  constructor({ progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal }) {
    this.#signal = signal;
    this.#task = progress.start('replay', 0, 'answers');
  }

  get answers(): number {
    return this.#answers;
  }

  /** So many more are to come, as far as is known by now. */
  expect(more: number): void {
    this.#task.setTotal(this.#answers + Math.round(more));
  }

  /** Whether it is time to let others do something. */
  next(): boolean {
    return ++this.#answers % ANSWERS_PER_TURN === 0;
  }

  /** Throws RunError where the work is interrupted. */
  async rest(): Promise<void> {
    this.#task.advance(ANSWERS_PER_TURN);
    await turn();
    if (this.#signal.aborted) throw new RunError('interrupted in the replay; nothing was published');
  }

  end(): void {
    this.#task.advance(this.#answers % ANSWERS_PER_TURN);
    this.expect(0);
    this.#task.end();
  }
}

/** Asks the built function over some keys. */
export class Asker {
  readonly #answer: BuiltFunction;
  readonly #tally: Tally;

  constructor(answer: BuiltFunction, tally: Tally) {
    this.#answer = answer;
    this.#tally = tally;
  }

  /** `list` asks for all candidates (`?mirrorlist`), else it is a viewer's ordinary request. */
  ask(viewer: Viewer, path: string, { list }: { readonly list: boolean }): Promise<FunctionResponse> {
    const event = eventOf(viewer, path, { list });
    return this.#tally.next() ? this.#tally.rest().then(() => this.#answer(event)) : this.#answer(event);
  }
}

/** Keys that remember which of them were read. */
export class WatchedKeys extends Map<string, string> {
  #read: string[] | null = null;

  override get(key: string): string | undefined {
    this.#read?.push(key);
    return super.get(key);
  }

  /** The keys that some work reads, in their order. */
  async during(work: () => Promise<unknown>): Promise<readonly string[]> {
    const read: string[] = [];
    this.#read = read;
    await work();
    this.#read = null;
    return read;
  }
}
