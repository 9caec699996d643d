import { CANDIDATE_LINE, classKey, encodeMask, MOST_CANDIDATES, tableKey } from '../../core/edge-keys.ts';
import { MAX_VALUE_BYTES } from './buckets.ts';
import type { PresenceClass } from './class-ids.ts';
import { evened } from './families.ts';
import type { Candidate } from './rank.ts';
import type { Shard } from './shards.ts';

/** What a candidate's line says besides its place in the ranking. */
export interface Target {
  readonly url: string;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

/** Keys of the store with their values. */
export type Keys = [string, string][];

/** By access point number. */
export type Targets = (number: number) => Target;

/** Holders world-wide are all in one tier, behind every other. */
const WORLD_TIER = 99;

/** Whether the edge can redirect to this URL root. */
export function isRedirectable(url: string): boolean {
  return CANDIDATE_LINE.test(`0 0 1 4 ${url.replace(/^https?:\/\//, '')}`);
}

function candidateLine(candidate: Candidate, target: Target): string {
  const families = `${target.ipv4 || !target.ipv6 ? '4' : ''}${target.ipv6 ? '6' : ''}`;
  const root = target.url.replace(/^https?:\/\//, '');
  const weight = Number(candidate.weight.toPrecision(4));
  return `${candidate.number.toString(36)} ${candidate.tier} ${weight} ${families} ${root}`;
}

/** As many of the candidates, best first, as fit beside `reservedBytes`. */
export function fitting(
  candidates: readonly Candidate[],
  targets: Targets,
  reservedBytes: number,
): readonly Candidate[] {
  let left = MAX_VALUE_BYTES - reservedBytes;
  const beyond = candidates.findIndex((candidate) => {
    left -= candidateLine(candidate, targets(candidate.number)).length + 1;
    return left < 0;
  });
  return candidates.slice(0, Math.min(MOST_CANDIDATES, beyond < 0 ? candidates.length : beyond));
}

/** One shard's table: who holds the objects of each class, by class id, as a mask over the candidates. */
export function masksOf(shard: Shard, classes: readonly PresenceClass[]): Uint8Array {
  const bit = new Map(shard.map((candidate, i) => [candidate.number, 1 << i]));
  return Uint8Array.from(classes, (members) => members.reduce((mask, n) => mask | (bit.get(n) ?? 0), 0));
}

/** The key of a shard's table, its masks without the zeros at their end. */
export function shardKey(
  place: { readonly epoch: string; readonly zone: string; readonly scheme: string; readonly shard: number },
  shard: Shard,
  masks: Uint8Array,
  targets: Targets,
): [string, string] {
  const lines = shard.map((candidate) => candidateLine(candidate, targets(candidate.number)));
  const digits = Array.from(masks, encodeMask).join('').replace(/0+$/, '');
  return [tableKey(place.epoch, place.zone, place.scheme, place.shard), [...lines, digits].join('\n')];
}

/** The key of a class: holders of it world-wide. */
export function holdersKey(
  epoch: string,
  scheme: string,
  classId: number,
  holders: readonly Candidate[],
  targets: Targets,
): [string, string] {
  const everywhere = evened(fitting(holders, targets, 64)).map((holder) =>
    candidateLine({ ...holder, tier: WORLD_TIER }, targets(holder.number)),
  );
  return [classKey(epoch, scheme, classId), [...everywhere, ''].join('\n')];
}

/** What the store counts of them. */
export function bytesOf(keys: Readonly<Keys>): number {
  return keys.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
}
