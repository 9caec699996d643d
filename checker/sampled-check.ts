import { ObjectType } from '../core/inventory.ts';
import { type MethodName, Outcome } from '../core/observations.ts';
import { eachWhere, idsWhere } from './ids.ts';
import { type Listing, ListingDraft, sampledName } from './listing.ts';
import type { MethodReport } from './methods/contract.ts';
import { listingMethodFor } from './methods/index.ts';
import { FEWEST_OBJECTS_LISTED } from './mirror-plan.ts';
import type { Recorder } from './recorder.ts';
import { agrees, type Evidence, type Stratum, strataOf } from './sample.ts';
import { askFor, confirm, runMethod, type Target } from './target.ts';

/**
 * Of 60 samples one is wrong with 95 % where 5 % of all are; of 600, where 0.5 % are: a listing without exact sizes
 * can't show a file that was cut short.
 */
const SAMPLE_SIZES = { proof: 60, hint: 600 };

const FEW = 8;

/** What becomes of an object: it is asked for; a directory whose page was seen; its stratum's samples stand for it; that is done. */
const Lot = { asked: 0, seen: 1, stands: 2, taken: 3 } as const;

/** How a check went, and the name of what won most of its evidence. */
export interface Checked {
  readonly report: MethodReport;
  readonly methodName: MethodName;
}

/** Asks for each object. */
export async function checkAll(target: Target): Promise<Checked> {
  return { report: await askFor(target, target.context.objectIds), methodName: target.method.name };
}

/**
 * Asks for a few objects, spread over all, before anything long is begun: where that does not end whole, the others fail
 * with its reason.
 */
export async function askForFew(target: Target): Promise<MethodReport> {
  const { objectIds } = target.context;
  const step = Math.max(1, Math.floor(objectIds.length / FEW));
  const report = await askFor(
    target,
    objectIds.filter((_, i) => i % step === 0),
  );
  if (report.ended === 'unusable' || report.ended === 'partial') {
    target.recorder.failAll(
      objectIds.filter((_, i) => i % step !== 0),
      report.reason,
    );
  }
  return report;
}

/** A listing of an access point that is otherwise asked object by object; null where it has none, or few are asked. */
export async function listFirst(target: Target): Promise<Listing | null> {
  const { context, accessPoint, recorder } = target;
  const method = listingMethodFor(accessPoint.protocol);
  if (method === undefined || context.objectIds.length < FEWEST_OBJECTS_LISTED) return null;
  const draft = new ListingDraft(context.inventory, accessPoint.id, method.name, recorder.nowS());
  const report = await runMethod(target, method, context.objectIds, draft.sink);
  if (report.ended === 'partial') context.progress.note(`${accessPoint.id}: ${method.name}: ${report.reason}`);
  return report.ended === 'whole' || report.ended === 'partial' ? draft : null;
}

/** What an access point of a protocol that lists has just shown. */
export function listingOf({ accessPoint, method, recorder }: Target): Listing {
  const { evidenceAtS } = recorder.observations;
  return {
    ...evidenceOf(recorder),
    method: method.name,
    accessPointId: accessPoint.id,
    evidenceAtS: (id) => evidenceAtS[id] as number,
  };
}

/**
 * Samples what a listing shows, one stratum after the other; takes over those that agree, and asks for each object of
 * the others and for what the listing says nothing of.
 */
export async function checkBySample(target: Target, listing: Listing): Promise<Checked> {
  const { context, accessPoint, method, recorder } = target;
  const { inventory } = context;
  const isOwn = listing.accessPointId === accessPoint.id;
  const { types } = inventory;
  const isSeen = (id: number) => isOwn && types[id] === ObjectType.directory && listing.outcome(id) === Outcome.present;
  const { objectIds } = context;
  const lots = new Uint8Array(inventory.paths.length);
  for (const id of objectIds) if (isSeen(id)) lots[id] = Lot.seen;
  const strata = strataOf(inventory, objectIds, listing, SAMPLE_SIZES, Math.random());
  for (const stratum of strata) {
    for (const id of stratum.objectIds) lots[id] = Lot.stands;
    for (const id of stratum.sampled) lots[id] = Lot.asked;
  }
  const those = (lot: number) => eachWhere(objectIds, (id) => lots[id] === lot);
  const sample = await askFor(
    target,
    idsWhere(objectIds, (id) => lots[id] === Lot.asked),
  );
  if (sample.ended !== 'whole') {
    if (sample.ended !== 'interrupted') {
      for (const lot of [Lot.seen, Lot.stands]) recorder.failAll(those(lot), sample.reason);
    }
    return { report: sample, methodName: method.name };
  }
  // Not before the samples: a server that says yes to everything shows listings too.
  recorder.takeOver(those(Lot.seen), listing, listing.method);
  const taken = takeOverAgreed(target, listing, strata, lots);
  confirm(target);
  const methodName = taken > 0 ? sampledName(listing.method) : method.name;
  const disputed = idsWhere(objectIds, (id) => lots[id] === Lot.stands);
  if (disputed.length === 0) return { report: sample, methodName };
  return { report: await askFor(target, disputed), methodName };
}

/** Takes over the strata whose samples agree with the listing; answers how many objects that are. */
function takeOverAgreed(target: Target, listing: Listing, strata: readonly Stratum[], lots: Uint8Array): number {
  const { accessPoint, recorder } = target;
  const asked = evidenceOf(recorder);
  let taken = 0;
  for (const stratum of strata) {
    if (!agrees(stratum, listing, asked)) continue;
    const isProof = listing.accessPointId === accessPoint.id && !stratum.isHint;
    const ids = eachWhere(stratum.objectIds, (id) => lots[id] === Lot.stands);
    recorder.takeOver(ids, listing, isProof ? listing.method : sampledName(listing.method));
    for (const id of stratum.objectIds) {
      if (lots[id] === Lot.stands) taken++;
      lots[id] = Lot.taken;
    }
  }
  return taken;
}

function evidenceOf(recorder: Recorder): Evidence {
  const { sizeBytes } = recorder.observations;
  return {
    outcome: (id) => recorder.foundOutcome(id),
    sizeBytes: (id) => sizeBytes[id] as number,
    isHint: () => false,
  };
}
