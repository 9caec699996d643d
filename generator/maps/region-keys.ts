import { CANDIDATE_LINE, CLASSES_PER_PAGE, classKey, MOST_CANDIDATES, regionKey } from '../../core/edge-keys.ts';
import { MAX_VALUE_BYTES } from './buckets.ts';
import type { PresenceClass } from './classes.ts';
import type { Candidate } from './rank.ts';

/** What a candidate's line says besides its place in the ranking. */
export interface Target {
  readonly url: string;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

/** By access point number. */
export type Targets = (number: number) => Target;

/** Whether the edge can redirect to this URL root. */
export function isRedirectable(url: string): boolean {
  return CANDIDATE_LINE.test(`0 0 1 4 ${url.replace(/^https?:\/\//, '')}`);
}

function candidateLine(candidate: Candidate, target: Target): string {
  const families = `${target.ipv4 || !target.ipv6 ? '4' : ''}${target.ipv6 ? '6' : ''}`;
  const root = target.url.replace(/^https?:\/\//, '');
  return `${candidate.number.toString(36)} ${candidate.tier} ${candidate.weight} ${families} ${root}`;
}

/** As many of the candidates, best first, as fit beside `reservedBytes`. */
function fitting(candidates: readonly Candidate[], targets: Targets, reservedBytes: number): readonly Candidate[] {
  let left = MAX_VALUE_BYTES - reservedBytes;
  const beyond = candidates.findIndex((candidate) => {
    left -= candidateLine(candidate, targets(candidate.number)).length + 1;
    return left < 0;
  });
  return candidates.slice(0, Math.min(MOST_CANDIDATES, beyond < 0 ? candidates.length : beyond));
}

/** A region's candidates for one scheme, with a mask of the holders for each class, by class id. */
export interface RegionTable {
  readonly candidates: readonly Candidate[];
  readonly masks: Uint8Array;
}

/** The candidates are as many of the accepted ones, best first, as a page has room for. */
export function regionTable(
  accepted: readonly Candidate[],
  classes: readonly PresenceClass[],
  targets: Targets,
): RegionTable {
  const candidates = fitting(accepted, targets, 2 * CLASSES_PER_PAGE);
  const bit = new Map(candidates.map((candidate, i) => [candidate.number, 1 << i]));
  const masks = Uint8Array.from(classes, (members) => members.reduce((mask, n) => mask | (bit.get(n) ?? 0), 0));
  return { candidates, masks };
}

/** The keys of a region's table: a page for every 256 classes. */
export function regionKeys(
  epoch: string,
  region: string,
  scheme: string,
  table: RegionTable,
  targets: Targets,
): [string, string][] {
  const lines = table.candidates.map((candidate) => candidateLine(candidate, targets(candidate.number)));
  const keys: [string, string][] = [];
  for (let first = 0, page = 0; first < table.masks.length; first += CLASSES_PER_PAGE, page++) {
    const masks = table.masks.subarray(first, first + CLASSES_PER_PAGE);
    const digits = Array.from(masks, (mask) => mask.toString(16).padStart(2, '0')).join('');
    keys.push([regionKey(epoch, region, scheme, page), [...lines, digits].join('\n')]);
  }
  return keys;
}

/** The key of a class that some region has no near holder of: its holders world-wide, all in one tier. */
export function holdersKey(
  epoch: string,
  scheme: string,
  classId: number,
  holders: readonly Candidate[],
  targets: Targets,
): [string, string] {
  const everywhere = fitting(holders, targets, 64).map((holder) =>
    candidateLine({ ...holder, tier: 99 }, targets(holder.number)),
  );
  return [classKey(epoch, scheme, classId), [...everywhere, ''].join('\n')];
}
