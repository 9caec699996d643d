import type { BuiltFunction } from '../core/function-event.ts';
import type { Inventory } from '../core/inventory.ts';
import { type Progress, silentProgress } from '../core/progress.ts';
import { loadBuiltFunction } from '../edge-shim/built-function.ts';
import { bundleFunction } from '../edge-shim/bundle.ts';
import type { Maps } from '../generator/maps/build.ts';
import type { Evidence } from '../generator/maps/evidence.ts';
import { type ReplayReport, replay } from '../generator/publish/replay/replay.ts';
import { FALLBACK } from './small-build.ts';

const codes = new Map([[FALLBACK, await bundleFunction(FALLBACK)]]);

/** What is replayed, and what a test has changed of it. */
export interface Replayed {
  readonly made: Maps;
  readonly inventory: Inventory;
  readonly evidence: readonly Evidence[];
  readonly keys?: Iterable<readonly [string, string]>;
  /** Where unknown objects should go; the function sends them to `FALLBACK`, or with `isBundled` there. */
  readonly fallback?: string;
  readonly isBundled?: boolean;
  readonly upgrade?: boolean;
  /** A function with a fault of its own. */
  readonly faulty?: (right: BuiltFunction) => BuiltFunction;
  readonly progress?: Progress;
}

/** The report of a replay of maps, as a rule with the keys that were made. */
export async function replayed(options: Replayed): Promise<ReplayReport> {
  const { made, inventory, evidence, keys = made.keys, fallback = FALLBACK, upgrade = false } = options;
  const { faulty = (right) => right, progress = silentProgress, isBundled = false } = options;
  const sentTo = isBundled ? fallback : FALLBACK;
  const code = codes.get(sentTo) ?? (await bundleFunction(sentTo));
  codes.set(sentTo, code);
  return replay({
    built: { inventory, evidence, table: made.table, maps: made.regions },
    keys: new Map(keys),
    load: (some) => faulty(loadBuiltFunction(code, some, 'function.js')),
    policy: { fallback, upgrade },
    progress,
    signal: new AbortController().signal,
  });
}

/** The keys with some value changed. Throws where none is. */
export function changedKeys(
  { keys }: Maps,
  isMeant: (key: string) => boolean,
  change: (value: string) => string,
): Map<string, string> {
  const changed = new Map(keys.map(([key, value]) => [key, isMeant(key) ? change(value) : value]));
  if (keys.every(([key, value]) => changed.get(key) === value)) throw new Error('no value was changed');
  return changed;
}
