import { quoted, RunError, UsageError } from '../../../core/errors.ts';
import type { PublishContext } from '../contract.ts';
import { checkKeys, checkRoom, deleteBatches, type KeyPlan, planKeys } from './key-plan.ts';
import type { Clock, KeyStore } from './key-store.ts';
import { bytesOf, type Keys } from './keys.ts';
import { LIMITS, SETTLE_MS } from './limits.ts';
import { mixingOf } from './lineage.ts';
import { ServiceFault, STALE } from './service-errors.ts';
import type { KnownState } from './state-file.ts';

export interface KeysWritten {
  readonly added: number;
  readonly changed: number;
  readonly deleted: number;
  readonly bytes: number;
}

/** So often in a row somebody else may write into the store before we have written anything. */
const MOST_CONFLICTS = 5;

/**
 * Says what would be written over what a store holds. Throws RunError where the keys do not fit, UsageError where they
 * must not mix with those that are there.
 */
export function checkedPlan(stored: Keys, wanted: Keys, store: string): KeyPlan {
  checkKeys(stored, wanted, store);
  const { conflict, unsafe } = mixingOf(stored, wanted);
  if (conflict !== null) {
    throw new UsageError(
      `the store ${quoted(store)} holds keys of a build that this one does not continue (${conflict}); mixed, they could send viewers wrong, so nothing was changed. Name another store in the configuration: it is created, filled, and the function changes over to it. Or build again beside the maps that were published last`,
    );
  }
  const plan = planKeys(stored, wanted, unsafe);
  checkRoom(stored, wanted, plan, store);
  return plan;
}

/**
 * Brings a store to hold all wanted keys, and deletes none that an old pointer may lead to. It can be cut anywhere and
 * called again. Where somebody else writes meanwhile, it reads anew and goes on from there.
 */
export async function publishKeys(
  store: KeyStore,
  wanted: Keys,
  clock: Clock,
  context: PublishContext,
): Promise<KeysWritten> {
  let conflicts = 0;
  let whole: KeyPlan | null = null;
  for (let leftBytes = Number.POSITIVE_INFINITY; ; ) {
    const state = await store.read(context);
    const plan = checkedPlan(state.keys, wanted, store.name);
    whole ??= plan;
    // A write whose answer was lost is a conflict with ourselves, and progress.
    if (plan.bytes < leftBytes) conflicts = 0;
    leftBytes = plan.bytes;
    try {
      // What is wanted (again) is forgotten to have been unwanted, before it is.
      const unwantedSinceMs = new Map([...state.unwantedSinceMs].filter(([key]) => !wanted.has(key)));
      if (plan.puts.length > 0) await put(store, { ...state, unwantedSinceMs }, plan, clock, context);
      else await store.confirm({ ...state, unwantedSinceMs }, context);
      return { added: whole.added, changed: whole.changed, deleted: whole.cleared.length, bytes: whole.bytes };
    } catch (error) {
      if (!isStale(error) || ++conflicts > MOST_CONFLICTS) throw error;
      context.progress.note(`${quoted(store.name)} was changed meanwhile; it is read again`);
    } finally {
      store.remember();
    }
  }
}

async function put(
  store: KeyStore,
  read: KnownState,
  plan: KeyPlan,
  clock: Clock,
  context: PublishContext,
): Promise<void> {
  const count = plan.puts.reduce((sum, { puts }) => sum + puts.length, 0);
  const task = context.progress.start('keys', count, 'keys');
  try {
    let state = read;
    for (const batch of deleteBatches(plan.cleared)) state = await store.write(state, batch, context);
    for (const [i, batch] of plan.puts.entries()) {
      const why = plan.settleBefore.get(i);
      if (why !== undefined) await settle(state.writtenAtMs + SETTLE_MS, why, clock, context);
      state = await store.write(state, batch, context);
      task.advance(batch.puts.length);
    }
  } finally {
    task.end();
  }
}

export interface Swept {
  readonly deleted: number;
  /** Keys that nobody wants since a moment ago: the next publication deletes them. */
  readonly left: number;
}

/**
 * Deletes what is not wanted, and has not been for so long that no edge can be led there. It does not wait for that, and
 * leaves the rest to the next publication, unless the store fills up. Throws RunError where the store does not hold the
 * wanted keys (any more).
 */
export async function sweepKeys(store: KeyStore, wanted: Keys, clock: Clock, context: PublishContext): Promise<Swept> {
  for (let conflicts = 0; ; conflicts++) {
    const state = await store.read(context);
    const plan = planKeys(state.keys, wanted);
    if (plan.puts.length > 0) {
      throw new RunError(
        `the store ${quoted(store.name)} does not hold what was published; nothing was deleted. Publish again`,
      );
    }
    const isFilling = bytesOf(state.keys) > LIMITS.storeBytes / 2 && plan.removed.length > 0;
    if (isFilling) await settle(state.writtenAtMs + SETTLE_MS, 'old keys have to go', clock, context);
    const nowMs = clock.nowMs();
    const sinceMs = new Map(plan.removed.map((key) => [key, state.unwantedSinceMs.get(key) ?? nowMs]));
    const due = plan.removed.filter((key) => isFilling || nowMs - (sinceMs.get(key) as number) >= SETTLE_MS);
    try {
      let now = state;
      for (const batch of deleteBatches(due)) now = await store.write(now, batch, context);
      for (const key of due) sinceMs.delete(key);
      return { deleted: due.length, left: sinceMs.size };
    } catch (error) {
      if (!isStale(error) || conflicts >= MOST_CONFLICTS) throw error;
    } finally {
      store.remember(sinceMs);
    }
  }
}

/** Waits until a time when all edges have what was written. */
async function settle(untilMs: number, why: string, clock: Clock, { progress, signal }: PublishContext): Promise<void> {
  const ms = untilMs - clock.nowMs();
  if (ms <= 0) return;
  progress.note(`${why}: waiting ${Math.ceil(ms / 1000)} s until all edges have the keys from before`);
  await clock.sleep(ms, signal);
  if (signal.aborted) throw new RunError('interrupted; what was done is kept, the next publication goes on from there');
}

function isStale(error: unknown): boolean {
  return error instanceof ServiceFault && error.code === STALE;
}
