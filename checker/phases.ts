import { setTimeout as delay } from 'node:timers/promises';
import PQueue from 'p-queue';

export interface PhasedWork<Phase, Item> {
  readonly phases: readonly Phase[];
  readonly items: readonly Item[];
  /** Items under way at the same time. */
  readonly concurrency: number;
  /** How long items that are slow in one phase hold back the others from the next. */
  readonly stragglersMs: number;
  /** Never called for one item twice at the same time, and phase by phase in order. */
  readonly work: (phase: Phase, item: Item) => Promise<void>;
}

/**
 * Does the work of each phase for all items before that of the next: where few are slow, the next begins for the
 * others, and only when all work of the phase before has at least begun. Rejects with the first error of `work`;
 * what was begun is done by then, and nothing more is begun.
 */
export async function runPhases<Phase, Item>(options: PhasedWork<Phase, Item>): Promise<void> {
  const { phases, items, work, stragglersMs } = options;
  const queue = new PQueue({ concurrency: options.concurrency });
  const lastOf = new Map<Item, Promise<void>>();
  let isBroken = false;
  const begin = async (phase: Phase, item: Item): Promise<void> => {
    if (isBroken) return;
    await work(phase, item).catch((error: unknown) => {
      isBroken = true;
      throw error;
    });
  };
  for (const phase of phases) {
    const jobs = items.map((item) => {
      const before = lastOf.get(item) ?? Promise.resolve();
      const job = before.then(() => queue.add(() => begin(phase, item)));
      lastOf.set(item, job);
      return job;
    });
    await within(Promise.allSettled(jobs), stragglersMs);
  }
  const ended = await Promise.allSettled(lastOf.values());
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

async function within(done: Promise<unknown>, ms: number): Promise<void> {
  const timer = new AbortController();
  await Promise.race([done, delay(ms, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
}
