import type { ReleaseFigures } from './contract.ts';
import type { ReplayReport } from './replay/replay.ts';

/** How much may change from one publication to the next. Shares are from 0 to 1. */
export interface Thresholds {
  /** Share of the objects that may have gone. */
  readonly objectsLost: number;
  /** Share of what was present, or held by anybody who is up, that may have gone. */
  readonly presenceLost: number;
  /** Share of its candidates that a region may have lost. */
  readonly candidatesLost: number;
  /** By how much the share of what is not known may have grown. */
  readonly unknownGained: number;
  /** How old the evidence of what is present may be, in the median. */
  readonly evidenceAgeMs: number;
}

export interface GuardFinding {
  readonly guard: 'objects' | 'presence' | 'candidates' | 'evidence age' | 'unknown share' | 'missed';
  readonly ok: boolean;
  /** What was found, what is allowed. */
  readonly sentence: string;
}

const MOST_REGIONS_NAMED = 8;
/** So large a part of the ordinary requests may go to the fallback although somebody holds the object. */
const MOST_MISSED = 0.01;

/**
 * Judges a release against the last publication; `before` is null for the first one, which is only asked whether it is
 * of any use. Pure.
 */
export function guard(now: ReleaseFigures, before: ReleaseFigures | null, allowed: Thresholds): GuardFinding[] {
  return [
    objects(now, before, allowed),
    presence(now, before, allowed),
    candidates(now, before, allowed),
    evidenceAge(now, allowed),
    unknownShare(now, before, allowed),
  ];
}

/**
 * Judges what the replay found of viewers who get the fallback needlessly. That is no wrong answer, and what is published
 * may be worse by now: a person may overrule it.
 */
export function guardMissed({ missed, objects }: Pick<ReplayReport, 'missed' | 'objects'>): GuardFinding {
  // An object is asked for over both schemes.
  const share = missed / Math.max(1, 2 * objects);
  return {
    guard: 'missed',
    ok: share <= MOST_MISSED,
    sentence: `${grouped(missed)} replayed answers (${percent(share)}) are the fallback though a mirror holds the object, allowed ${percent(MOST_MISSED)}`,
  };
}

const OF_NO_USE = 'nothing could be redirected';

const percent = (share: number) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
const lostShare = (now: number, before: number | undefined) =>
  before === undefined || before === 0 ? 0 : Math.max(0, 1 - now / before);
const than = (before: number | undefined, text: (value: number) => string) =>
  before === undefined ? '' : ` after ${text(before)}`;
const grouped = (value: number) => value.toLocaleString('en');

function objects(now: ReleaseFigures, before: ReleaseFigures | null, { objectsLost }: Thresholds): GuardFinding {
  const lost = lostShare(now.objects, before?.objects);
  return {
    guard: 'objects',
    ok: now.objects > 0 && lost <= objectsLost,
    sentence:
      now.objects > 0
        ? `${grouped(now.objects)} objects${than(before?.objects, grouped)}: ${percent(lost)} lost, allowed ${percent(objectsLost)}`
        : `the inventory has no object${before === null ? '' : `, ${grouped(before.objects)} before`}: ${OF_NO_USE}`,
  };
}

function presence(now: ReleaseFigures, before: ReleaseFigures | null, { presenceLost }: Thresholds): GuardFinding {
  const lost = Math.max(lostShare(now.presentShare, before?.presentShare), lostShare(now.heldShare, before?.heldShare));
  const present = `${percent(now.presentShare)} of all cells are present${than(before?.presentShare, percent)}`;
  const cells = (share: number) => `${percent(share)} of all cells`;
  const unseen = `no mirror is known to hold any object${before === null ? '' : ','}${than(before?.presentShare, cells)}`;
  return {
    guard: 'presence',
    ok: now.heldShare > 0 && lost <= presenceLost,
    sentence:
      now.heldShare > 0
        ? `${present}, ${percent(now.heldShare)} of the objects are held by somebody who is up` +
          `${than(before?.heldShare, percent)}: ${percent(lost)} lost, allowed ${percent(presenceLost)}`
        : `${now.presentShare > 0 ? `${present}, but no mirror that holds anything is up` : unseen}: ${OF_NO_USE}`,
  };
}

function candidates(now: ReleaseFigures, before: ReleaseFigures | null, { candidatesLost }: Thresholds): GuardFinding {
  const regions = Object.keys(before?.candidates ?? {});
  const poorer = regions.filter(
    (code) => lostShare(now.candidates[code] ?? 0, before?.candidates[code]) > candidatesLost,
  );
  const some = Object.values(now.candidates).some((count) => count > 0);
  const named = poorer
    .slice(0, MOST_REGIONS_NAMED)
    .map((code) => `${code} ${now.candidates[code] ?? 0} after ${before?.candidates[code]}`);
  const more = poorer.length > MOST_REGIONS_NAMED ? ', …' : '';
  const found = some
    ? `${grouped(poorer.length)} regions lost more than ${percent(candidatesLost)} of their candidates`
    : 'no region has a candidate';
  return {
    guard: 'candidates',
    ok: some && poorer.length === 0,
    sentence: `${found}${named.length === 0 ? '' : ` (${named.join(', ')}${more})`}${some ? ', allowed 0' : ''}`,
  };
}

function evidenceAge({ evidenceAgeMs: ageMs }: ReleaseFigures, { evidenceAgeMs: mostMs }: Thresholds): GuardFinding {
  const days = (ms: number) => `${(ms / 86_400_000).toFixed(1)} days`;
  return {
    guard: 'evidence age',
    ok: ageMs !== null && ageMs <= mostMs,
    sentence:
      ageMs === null
        ? 'there is no evidence of presence'
        : `half of the evidence is older than ${days(ageMs)}, allowed ${days(mostMs)}`,
  };
}

function unknownShare(now: ReleaseFigures, before: ReleaseFigures | null, { unknownGained }: Thresholds): GuardFinding {
  const gained = before === null ? 0 : Math.max(0, now.unknownShare - before.unknownShare);
  return {
    guard: 'unknown share',
    ok: gained <= unknownGained,
    sentence: `of ${percent(now.unknownShare)} of all cells nothing is known${than(before?.unknownShare, percent)}: ${percent(gained)} more, allowed ${percent(unknownGained)}`,
  };
}
