import { grouped } from '../core/grouped.ts';
import type { Inventory } from '../core/inventory.ts';
import type { AccessPoint, Mirror } from '../core/mirror.ts';
import type { Liveness, MethodName, Observations } from '../core/observations.ts';
import { coverageOf } from '../core/presence.ts';
import type { Progress, Task } from '../core/progress.ts';
import type { FirstListings } from './first-listings.ts';
import { livenessOfFull } from './full-house.ts';
import type { Listing } from './listing.ts';
import type { Memory } from './memory.ts';
import type { Method, MethodReport } from './methods/contract.ts';
import { methodFor } from './methods/index.ts';
import type { Work } from './mirror-plan.ts';
import type { Acquaintance } from './net/acquaintance.ts';
import type { HostBudgets } from './net/host-budget.ts';
import { busyReason } from './net/reasons.ts';
import type { Recorder } from './recorder.ts';
import { askForFew, checkAll, checkBySample, listFirst, listingOf } from './sampled-check.ts';
import { begin, type Target, write } from './target.ts';

/** More failed checks than this share of all asked: the access point is failing. */
const FAILING_SHARE = 0.05;
const NOTHING_FAILS = { known: 0, failing: 0, mostly: '' };

export interface AccessPointSummary {
  readonly accessPointId: string;
  readonly method: MethodName;
  readonly present: number;
  readonly absent: number;
  readonly different: number;
  readonly failed: number;
  /** How many objects were to be checked; interrupted or out of time, the four counts above are fewer. */
  readonly asked: number;
  readonly requests: number;
  readonly elapsedMs: number;
  readonly state: Liveness['state'];
  readonly reason: string;
  /** Whether `state` was found in this run: of its checks at least one was not interrupted. */
  readonly isJudged: boolean;
  /** It had no room for us: what is due there is left for a later run. */
  readonly isBusy: boolean;
  /** Share of the tree's objects that are known to be there, 0 to 1. */
  readonly coverage: number;
}

/** What the checks of one run share. */
export interface CheckContext {
  readonly output: string;
  /** '' = none was told. */
  readonly vantage: string;
  readonly startedAtS: number;
  readonly expiryS: number;
  readonly checkpointMs: number;
  readonly inventory: Inventory;
  readonly objectIdOf: (path: string) => number | undefined;
  /** What older runs left of an access point, as it is now; each call of the answer decodes it anew. */
  readonly knownAt: (accessPoint: AccessPoint) => () => Observations;
  readonly userAgent: string;
  /** null or missing = what the ssh-agent holds. */
  readonly sftpKey?: string | null;
  readonly timeoutMs: number;
  readonly secondTryAfterMs?: number;
  readonly hosts: HostBudgets;
  readonly memory: Memory;
  /** By access point id. */
  readonly acquaintances: Map<string, Acquaintance>;
  readonly nowMs: () => number;
  readonly progress: Progress;
  readonly task: Task;
  /** Raised: nothing more is asked for. */
  readonly signal: AbortSignal;
  /** Raised some seconds later: what was found is not confirmed any more either. */
  readonly graceSignal: AbortSignal;
  readonly firstListings?: FirstListings;
}

const SCOPES: readonly Method['scope'][] = ['tree', 'directory', 'object'];

/** The access points of a mirror that a method serves, those read by listing first. */
export function checkable(mirror: Mirror): { accessPoint: AccessPoint; method: Method }[] {
  const pairs = mirror.accessPoints.flatMap((accessPoint) => {
    const method = methodFor(accessPoint.protocol);
    return method === undefined ? [] : [{ accessPoint, method }];
  });
  const rank = ({ method }: { method: Method }) => SCOPES.indexOf(method.scope);
  return pairs.sort((a, b) => rank(a) - rank(b));
}

/**
 * Checks the access points of one mirror for which there is work, one after the other, and writes a file for each. What
 * a listing shows of one of them is taken over for those that are asked object by object wherever a sample there agrees
 * with it, if their work allows it: a complete one of a protocol that lists (rsync), or else the index pages of the first
 * access point that has them.
 */
export async function checkMirror(
  run: CheckContext,
  mirror: Mirror,
  workAt: ReadonlyMap<string, Work>,
): Promise<AccessPointSummary[]> {
  const summaries: AccessPointSummary[] = [];
  let listing: Listing | null = null;
  for (const { accessPoint, method } of checkable(mirror)) {
    if (run.signal.aborted) break;
    const work = workAt.get(accessPoint.id);
    if (work === undefined || run.hosts.of(accessPoint.url).isLeftAlone) continue;
    const target = begin({ ...run, objectIds: work.objectIds }, accessPoint, method);
    const isBySample = work.byListing && method.scope === 'object';
    if (isBySample && listing === null) {
      const few = await askForFew(target);
      if (few.ended !== 'whole') {
        summaries.push(finish(target, few, method.name));
        continue;
      }
      listing = await listFirst(target);
    }
    const check = listing === null || !isBySample ? checkAll(target) : checkBySample(target, listing);
    const { report, methodName } = await check;
    if (work.byListing && method.scope !== 'object' && report.ended === 'whole') listing ??= listingOf(target);
    summaries.push(finish(target, report, methodName));
  }
  return summaries;
}

function finish(target: Target, report: MethodReport, method: MethodName): AccessPointSummary {
  const { context, accessPoint, recorder } = target;
  const { asked } = recorder;
  recorder.takeBack();
  const counts = recorder.counts();
  const isBusy = report.ended === 'busy';
  const isJudged = report.ended !== 'interrupted' && report.ended !== 'unasked' && !isBusy;
  if (isJudged) {
    const { known, failing, mostly } = recorder.standing() ?? NOTHING_FAILS;
    const { state, reason } = judge(report, failing, known, mostly);
    recorder.setLiveness(state, reason, report.isRefuted);
  } else if (isBusy) {
    const { observations } = recorder;
    observations.liveness = livenessOfFull(observations.liveness, report.reason, recorder.nowS());
  }
  if (isEachAsked(report, target.method)) recorder.countFailures();
  recorder.report();
  recorder.flushProgress();
  write(context, recorder);
  const { cost, liveness } = recorder.observations;
  const { requests, elapsedMs } = cost;
  const { state } = liveness;
  const reason = isJudged ? liveness.reason : reasonOpen(target, report);
  context.progress.note(noteLine(accessPoint.id, counts, elapsedMs, reason === '' ? '' : `; ${state}: ${reason}`));
  const coverage = coverageOf(context.inventory, recorder.observations, context.startedAtS - context.expiryS);
  return {
    ...{ accessPointId: accessPoint.id, method, ...counts, asked, requests, elapsedMs },
    ...{ state, reason, isJudged, isBusy, coverage },
  };
}

/** Why a check did not come to its end. */
function reasonOpen({ context, accessPoint }: Target, { ended, reason }: MethodReport): string {
  if (ended === 'busy' || ended === 'unasked') return `${reason}, left for a later run`;
  const { isLeftAlone, wish } = context.hosts.of(accessPoint.url);
  return isLeftAlone && wish !== null ? busyReason(wish) : 'not done, left for a later run';
}

/** Whether all that failed was asked for; else it was given up before some of them, and what those would answer is open. */
function isEachAsked({ ended }: MethodReport, { scope }: Method): boolean {
  // One question for all.
  if (ended === 'partial') return scope === 'tree';
  return ended !== 'unusable' && ended !== 'busy' && ended !== 'unasked';
}

/** The state of an access point after a check; `mostly` is what most of those failed for that did. */
export function judge(
  report: MethodReport,
  failed: number,
  asked: number,
  mostly: string,
): { state: Liveness['state']; reason: string } {
  if (report.ended === 'unusable') return { state: 'down', reason: report.reason };
  if (report.ended === 'partial') return { state: 'failing', reason: report.reason };
  if (failed <= asked * FAILING_SHARE) return { state: 'up', reason: report.reason };
  const [part, whole] = [failed, asked].map((count) => grouped(count));
  const why = [mostly, report.reason].filter((reason) => reason !== '').join('; ');
  return { state: 'failing', reason: `${part} of ${whole} checks failed, most for: ${why}` };
}

function noteLine(id: string, counts: ReturnType<Recorder['counts']>, elapsedMs: number, state: string): string {
  const { present, absent, different, failed } = counts;
  const said = Object.entries({ present, absent, different, failed })
    .map(([word, count]) => `${grouped(count)} ${word}`)
    .join(', ');
  return `${id}: ${said} in ${(elapsedMs / 1000).toFixed(1)} s${state}`;
}
