import { type Inventory, isDirectoryLike } from '../core/inventory.ts';
import { Outcome, type OutcomeCode } from '../core/observations.ts';

import { IdList } from './ids.ts';

const GOLDEN_RATIO = 0.618_033_988_75;

/** Evidence as columns or as functions over them. */
export interface Evidence {
  readonly outcome: (objectId: number) => OutcomeCode;
  readonly sizeBytes: (objectId: number) => number;
  /** Whether the outcome is only believed, not proven. */
  readonly isHint: (objectId: number) => boolean;
}

/** Objects of which a listing says the same, as surely, in the same part of the tree. */
export interface Stratum {
  readonly objectIds: Int32Array;
  readonly isHint: boolean;
  /** Those that are asked one by one: evenly spread, all where there are few. */
  readonly sampled: Int32Array;
}

/** How many of a stratum are asked one by one. What is only believed needs more to be believed. */
export interface SampleSizes {
  readonly proof: number;
  readonly hint: number;
}

/**
 * Divides objects by top-level directory, type, spelling and what the listing shows. Left out are those it shows nothing of,
 * and directories: servers treat them in ways of their own, and they are few.
 * `phase` (0 to 1) shifts the samples, so that run after run others are drawn.
 */
export function strataOf(
  inventory: Inventory,
  objectIds: Int32Array,
  listing: Evidence,
  sampleSizes: SampleSizes,
  phase: number,
): Stratum[] {
  const groups = new Map<string, IdList>();
  for (const id of objectIds) {
    const outcome = listing.outcome(id);
    if (outcome === Outcome.none || isDirectoryLike(inventory, id)) continue;
    const path = inventory.paths.at(id) as string;
    const slash = path.indexOf('/');
    const kind = `${outcome}${inventory.types[id]}${listing.isHint(id) ? 'hint' : ''}`;
    const key = `${kind}/${spelling(path)}/${slash < 0 ? '' : path.slice(0, slash)}`;
    const group = groups.get(key) ?? new IdList();
    group.push(id);
    groups.set(key, group);
  }
  return Array.from(groups.values(), (group) => {
    const objectIds = group.ids();
    const isHint = listing.isHint(objectIds[0] as number);
    const sampled = spreadOver(objectIds, isHint ? sampleSizes.hint : sampleSizes.proof, phase);
    return { objectIds, isHint, sampled: Int32Array.from(sampled) };
  });
}

/**
 * One of each of so many equal pieces, at a place that changes from piece to piece: at equal distances a pattern in the
 * names (every tenth is missing) could hide between the samples.
 */
function spreadOver(ids: Int32Array, sampleSize: number, phase: number): number[] {
  if (ids.length <= sampleSize) return [...ids];
  const step = ids.length / sampleSize;
  return Array.from({ length: sampleSize }, (_, i) => {
    const [first, end] = [Math.floor(i * step), Math.floor((i + 1) * step)];
    const place = (phase + i * GOLDEN_RATIO) % 1;
    return ids[first + Math.floor(place * (end - first))] as number;
  });
}

/** Servers that refuse or mistake names mostly do so for those that are not plain. */
function spelling(path: string): 'plain' | 'encoded' | 'odd' {
  if (!path.includes('%')) return 'plain';
  return /%(?:[0189A-F]|7F)/.test(path) ? 'odd' : 'encoded';
}

/** Whether every sampled object was found exactly as the listing says: outcome and, where it tells one, size. */
export function agrees(stratum: Stratum, listing: Evidence, asked: Evidence): boolean {
  return stratum.sampled.every((id) => {
    const outcome = listing.outcome(id);
    return outcome !== Outcome.none && outcome === asked.outcome(id) && listing.sizeBytes(id) === asked.sizeBytes(id);
  });
}
