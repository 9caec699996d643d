import { META_KEY } from '../../../core/edge-keys.ts';
import { quoted, RunError, UsageError } from '../../../core/errors.ts';
import { parseEdgeKey } from '../../../core/key-kinds.ts';
import { bytesOf, epochOf, type Keys } from './keys.ts';
import { LIMITS } from './limits.ts';
import { rankOf, stagesOf } from './stages.ts';

/** One UpdateKeys call: all of it is done or nothing. */
export interface Batch {
  readonly puts: readonly (readonly [key: string, value: string])[];
  readonly deletes: readonly string[];
}

/** How a store comes to hold what is wanted. */
export interface KeyPlan {
  readonly added: number;
  readonly changed: number;
  /** Keys of epochs long gone, where old and new would not fit otherwise: they go first. */
  readonly cleared: readonly string[];
  /** In the order of the calls; the last holds `meta` where that changes. */
  readonly puts: readonly Batch[];
  /** Before which of `puts` every edge should have what was put before, and why. */
  readonly settleBefore: ReadonlyMap<number, string>;
  /** Keys that are not wanted any more: for when no edge can be led to them. */
  readonly removed: readonly string[];
  /** Bytes of the keys and values that are put. */
  readonly bytes: number;
}

/**
 * The difference between what a store holds and what is wanted, in calls; `unsafe` are the classes that the two mean
 * differently (`mixingOf`). Pure.
 */
export function planKeys(stored: Keys, wanted: Keys, unsafe: ReadonlySet<number> = new Set()): KeyPlan {
  const puts: Batch[] = [];
  const settleBefore = new Map<number, string>();
  for (const { puts: some, settles } of stagesOf(stored, wanted, unsafe)) {
    if (settles !== null) settleBefore.set(puts.length, settles);
    puts.push(...putBatches(some));
  }
  const cleared = bytesOf(new Map([...stored, ...wanted])) <= LIMITS.storeBytes ? [] : unreachable(stored, wanted);
  const gone = new Set(cleared);
  const missing = [...wanted].filter(([key, value]) => stored.get(key) !== value);
  const added = missing.filter(([key]) => !stored.has(key)).length;
  return {
    cleared,
    added,
    changed: missing.length - added,
    puts,
    settleBefore,
    removed: [...stored.keys()].filter((key) => !wanted.has(key) && !gone.has(key)).sort(),
    bytes: bytesOf(puts.flatMap((batch) => batch.puts)),
  };
}

function putBatches(puts: Batch['puts']): Batch[] {
  const batches: { puts: Batch['puts'][number][]; deletes: [] }[] = [];
  let bytes = 0;
  for (const put of puts) {
    const size = bytesOf([put]);
    let last = batches.at(-1);
    if (last === undefined || last.puts.length >= LIMITS.keysPerCall || bytes + size > LIMITS.bytesPerCall) {
      last = { puts: [], deletes: [] };
      batches.push(last);
      bytes = 0;
    }
    last.puts.push(put);
    bytes += size;
  }
  return batches;
}

export function deleteBatches(keys: readonly string[]): Batch[] {
  return Array.from({ length: Math.ceil(keys.length / LIMITS.keysPerCall) }, (_, i) => ({
    puts: [],
    deletes: keys.slice(i * LIMITS.keysPerCall, (i + 1) * LIMITS.keysPerCall),
  }));
}

/** What a store holds after a batch. */
export function applied(stored: Keys, { puts, deletes }: Batch): Map<string, string> {
  const keys = new Map(stored);
  for (const [key, value] of puts) keys.set(key, value);
  for (const key of deletes) keys.delete(key);
  return keys;
}

/** Keys of an epoch that neither of the two points to: nobody can be led to them. */
function unreachable(stored: Keys, wanted: Keys): string[] {
  const alive = new Set([epochOf(stored), epochOf(wanted)]);
  return [...stored.keys()].filter((key) => !wanted.has(key) && key !== META_KEY && !alive.has(epochOfKey(key)));
}

function epochOfKey(key: string): string | null {
  const parsed = parseEdgeKey(key);
  return parsed === null || parsed.kind === 'meta' ? null : parsed.epoch;
}

/**
 * Throws RunError where the keys can't be in a store at all, UsageError where the store holds somebody else's keys.
 * `store` is for the sentence.
 */
export function checkKeys(stored: Keys, wanted: Keys, store: string): void {
  for (const [key, value] of wanted) {
    const [keyBytes, valueBytes] = [Buffer.byteLength(key), Buffer.byteLength(value)];
    if (keyBytes > LIMITS.keyBytes || valueBytes > LIMITS.valueBytes || rankOf(key) < 0) {
      throw new RunError(
        `the key ${quoted(key, 60)} (${keyBytes} bytes) with a value of ${valueBytes} bytes is none that a store takes; run "redirector build" again`,
      );
    }
  }
  if (!wanted.has(META_KEY)) throw new RunError('the keys have no "meta"; run "redirector build" again');
  const foreign = [...stored.keys()].find((key) => rankOf(key) < 0);
  if (foreign !== undefined) {
    throw new UsageError(
      `the store ${quoted(store)} holds keys that are not redirector's (${quoted(foreign, 60)}); nothing was changed. Name another store in the configuration: one that is missing is created`,
    );
  }
}

/** Throws RunError where the store has no room for what is wanted beside what has to stay for a while. */
export function checkRoom(stored: Keys, wanted: Keys, { cleared }: KeyPlan, store: string): void {
  const most = LIMITS.storeBytes.toLocaleString('en');
  const alone = bytesOf(wanted);
  if (alone > LIMITS.storeBytes) {
    throw new RunError(
      `the keys have ${alone.toLocaleString('en')} bytes, more than the ${most} that a store holds; nothing was changed. Divide the tree by path prefix among several functions with a store each`,
    );
  }
  const both = new Map([...stored, ...wanted]);
  for (const key of cleared) both.delete(key);
  if (bytesOf(both) <= LIMITS.storeBytes) return;
  throw new RunError(
    `the store ${quoted(store)} is too full: ${bytesOf(stored).toLocaleString('en')} bytes of ${most} are taken, and old keys have to stay beside the new ones for a while; nothing was changed. Name another store in the configuration: it is created, filled, and the function changes over to it`,
  );
}
