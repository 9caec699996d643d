import type { Inventory } from '../core/inventory.ts';
import { type Observations, Outcome } from '../core/observations.ts';
import { presenceColumn } from '../core/presence.ts';
import type { Method } from './methods/contract.ts';

/** In the order of their weight. */
export const PHASES = ['new', 'expired', 'failed', 'rolling', 'removed'] as const;
export type PhaseName = (typeof PHASES)[number];
export type Only = 'new' | 'expired' | 'all';

const PHASES_OF: Readonly<Record<Only, readonly PhaseName[]>> = {
  new: ['new'],
  expired: ['expired', 'failed'],
  all: PHASES,
};

/** Runs at most an eighth of the period apart still ask for every object once in the period. */
const TURN_SHARE = 7 / 8;

/** After the first check that proved nothing: the next run, where runs are a quarter of an hour apart, asks again. */
const FIRST_PAUSE_S = 600;
const DAY_S = 86_400;

/** The columns of one access point that decide what is due there. */
export type Known = Pick<
  Observations,
  'outcome' | 'sizeBytes' | 'evidenceAtS' | 'failedAtS' | 'failedTimes' | 'ownCheckAtS'
>;

export interface ScheduleInput {
  readonly inventory: Inventory;
  /** Among these, ascending. */
  readonly objectIds: Int32Array;
  readonly observations: Known;
  /** Sets the turns of one access point apart from those of others. */
  readonly accessPointId: string;
  /** Where a question tells of many objects their turns come together; else each has one of its own. */
  readonly scope: Method['scope'];
  readonly nowS: number;
  readonly periodS: number;
  readonly expiryS: number;
  /** `expired` means failed ones too. */
  readonly only: Only;
}

export interface Schedule {
  /** All of `PHASES` that were asked for, in their order. No object is in two; ids ascend. */
  readonly phases: readonly { readonly name: PhaseName; readonly objectIds: Int32Array }[];
}

/**
 * What is due at one access point now, the most important first:
 * - new: never proven in the shape that the master's tree has now, and never tried; or young (first seen or modified
 *   within the period) and not there when it was last asked for, as often as its age doubles: mirrors lag by hours.
 * - expired: the evidence is older than `expiryS`.
 * - failed: the last check proved nothing, and the pause after it is over (`pauseS`); as new, where the object has changed
 *   on the master since.
 * - rolling: its turn in the period has come since the last check of its own. Turns are spread by a hash of the id, so
 *   that each run re-validates the share of the objects that the time since the last run is of the period.
 * - removed from the tree, until it is proven absent, then never again: at once, then after a day, and as often as the time
 *   since doubles; after a period in its turn.
 */
export function schedule(input: ScheduleInput): Schedule {
  const { objectIds } = input;
  const due = duePhases(input);
  const counts = new Uint32Array(NOT_DUE + 1);
  for (let i = 0; i < due.length; i++) counts[due[i] as number]!++;
  const lists = PHASES.map((_, phase) => new Int32Array(counts[phase] as number));
  const filled = new Uint32Array(PHASES.length);
  for (let i = 0; i < due.length; i++) {
    const phase = due[i] as number;
    if (phase !== NOT_DUE) (lists[phase] as Int32Array)[filled[phase]!++] = objectIds[i] as number;
  }
  const wanted = PHASES_OF[input.only];
  return {
    phases: PHASES.map((name, phase) => ({ name, objectIds: lists[phase] as Int32Array })).filter(({ name }) =>
      wanted.includes(name),
    ),
  };
}

const [NEW, EXPIRED, FAILED, ROLLING, REMOVED, NOT_DUE] = [0, 1, 2, 3, 4, 5] as const;
type Due = typeof NEW | typeof EXPIRED | typeof FAILED | typeof ROLLING | typeof REMOVED | typeof NOT_DUE;

/** The phase of each of `objectIds`, by its place there. */
function duePhases(input: ScheduleInput): Uint8Array {
  const { inventory, objectIds, observations, nowS, expiryS } = input;
  const { removedAtS } = inventory;
  const { evidenceAtS, failedAtS, failedTimes, ownCheckAtS } = observations;
  const isPausing = (id: number) =>
    failedAtS[id] !== 0 && nowS < (failedAtS[id] as number) + pauseS(failedTimes[id] as number, input.periodS);
  const presence = presenceColumn(inventory, observations, 0);
  const isTurn = turns(input);
  const phaseOf = (id: number): Due => {
    if (removedAtS[id] !== 0) return isRemovalDue(input, id, isTurn) ? REMOVED : NOT_DUE;
    if (failedAtS[id] !== 0) {
      if (bornS(inventory, id, nowS) > (failedAtS[id] as number)) return NEW;
      return isPausing(id) ? NOT_DUE : FAILED;
    }
    const known = presence[id];
    if (known === Outcome.none) return NEW;
    if ((evidenceAtS[id] as number) < nowS - expiryS) return EXPIRED;
    if (known !== Outcome.present && hasAgeDoubled(bornS(inventory, id, nowS), evidenceAtS[id] as number, input)) {
      return NEW;
    }
    return isTurn(id, ownCheckAtS[id] as number) ? ROLLING : NOT_DUE;
  };
  const due = new Uint8Array(objectIds.length);
  for (let i = 0; i < due.length; i++) due[i] = phaseOf(objectIds[i] as number);
  return due;
}

/**
 * How long what failed so many times in a row is left alone, in seconds: each time twice as long, so that an answer comes
 * at most twice as late as it could, but never beyond its turn in the period.
 */
export function pauseS(failedTimes: number, periodS: number): number {
  return failedTimes === 0 ? 0 : Math.min(FIRST_PAUSE_S * 2 ** (failedTimes - 1), periodS * TURN_SHARE);
}

/** When the object came into the tree in its present shape. A modification time in the future is none. */
function bornS({ firstSeenS, mtimeS }: Inventory, id: number, nowS: number): number {
  const modifiedS = mtimeS[id] as number;
  return modifiedS <= nowS ? Math.max(modifiedS, firstSeenS[id] as number) : (firstSeenS[id] as number);
}

function hasAgeDoubled(bornS: number, evidenceAtS: number, { nowS, periodS }: ScheduleInput): boolean {
  const ageS = nowS - bornS;
  return ageS < periodS && evidenceAtS < nowS && ageS >= 2 * (evidenceAtS - bornS);
}

function isRemovalDue(
  { inventory, observations, nowS, periodS }: ScheduleInput,
  id: number,
  isTurn: (id: number, sinceS: number) => boolean,
): boolean {
  const { outcome, evidenceAtS, failedAtS } = observations;
  const removedAtS = inventory.removedAtS[id] as number;
  const askedAtS = Math.max(evidenceAtS[id] as number, failedAtS[id] as number);
  if (outcome[id] === Outcome.absent && (evidenceAtS[id] as number) >= removedAtS) return false;
  if (askedAtS < removedAtS) return true;
  if (nowS - removedAtS >= periodS) return isTurn(id, askedAtS);
  return nowS - askedAtS >= Math.max(DAY_S, askedAtS - removedAtS);
}

/** Whether an object's turn came between a time and now. Turns return after `TURN_SHARE` of the period. */
function turns({ accessPointId, scope, nowS, periodS }: ScheduleInput): (id: number, sinceS: number) => boolean {
  const turnS = Math.max(1, periodS * TURN_SHARE);
  const salt = hashOf(accessPointId);
  return (id, sinceS) => {
    const lot = scope === 'object' ? mixed(id ^ salt) : salt;
    const atS = (lot / 2 ** 32) * turnS;
    return Math.floor((nowS - atS) / turnS) > Math.floor((sinceS - atS) / turnS);
  };
}

function hashOf(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return mixed(h);
}

/** MurmurHash3's finalizer: every bit of the input moves every bit of the output. */
function mixed(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
