import { messageOf } from '../core/errors.ts';
import { encodeObservations } from '../core/formats/observations-file.ts';
import type { Inventory } from '../core/inventory.ts';
import type { AccessPoint, Mirror } from '../core/mirror.ts';
import { writeFileAtomic } from '../core/node/atomic-file.ts';
import type { Liveness, MethodName, Observations } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import type { Progress, Task } from '../core/progress.ts';
import type { CheckTask, Method, MethodReport } from './methods/contract.ts';
import { methodFor } from './methods/index.ts';
import type { HostBudgets } from './net/host-budget.ts';
import { Recorder } from './recorder.ts';
import { agrees, type Evidence, strataOf } from './sample.ts';

const SAMPLE_SIZE = 60;
const CHECKPOINT_EVERY_MS = 30_000;
/** More failed checks than this share of all asked: the access point is failing. */
const FAILING_SHARE = 0.05;

export interface AccessPointSummary {
  readonly accessPointId: string;
  readonly method: MethodName;
  readonly present: number;
  readonly absent: number;
  readonly different: number;
  readonly failed: number;
  /** How many objects were to be checked; interrupted, the four counts above are fewer. */
  readonly asked: number;
  readonly requests: number;
  readonly elapsedMs: number;
  readonly state: Liveness['state'];
  readonly reason: string;
}

/** What the checks of one run share. */
export interface CheckContext {
  readonly output: string;
  readonly inventory: Inventory;
  readonly objectIds: Int32Array;
  readonly objectIdOf: (path: string) => number | undefined;
  readonly loadObservations: (accessPoint: AccessPoint) => Observations;
  readonly userAgent: string;
  readonly timeoutMs: number;
  readonly hosts: HostBudgets;
  readonly nowMs: () => number;
  readonly progress: Progress;
  readonly task: Task;
  readonly signal: AbortSignal;
}

/** The access points of a mirror that a method serves, those read by listing first. */
export function checkable(mirror: Mirror): { accessPoint: AccessPoint; method: Method }[] {
  const pairs = mirror.accessPoints.flatMap((accessPoint) => {
    const method = methodFor(accessPoint.protocol);
    return method === undefined ? [] : [{ accessPoint, method }];
  });
  const isListing = (pair: { method: Method }) => (pair.method.scope === 'listing' ? 0 : 1);
  return pairs.sort((a, b) => isListing(a) - isListing(b));
}

/**
 * Checks the access points of one mirror, one after the other, and writes a file for each. What a complete listing
 * shows is taken over for an access point that is asked object by object wherever a sample there agrees with it.
 */
export async function checkMirror(context: CheckContext, mirror: Mirror): Promise<AccessPointSummary[]> {
  const summaries: AccessPointSummary[] = [];
  let listing: Recorder | null = null;
  for (const { accessPoint, method } of checkable(mirror)) {
    if (context.signal.aborted) break;
    const observations = context.loadObservations(accessPoint);
    const onSettled = (objects: number) => context.task.advance(objects);
    const recorder = new Recorder(observations, context.objectIds.length, context.nowMs, onSettled);
    const target: Target = { context, accessPoint, method, recorder };
    const check = listing === null || method.scope === 'listing' ? checkAll(target) : checkBySample(target, listing);
    const { report, methodName } = await withCheckpoints(target, check);
    if (method.scope === 'listing' && report.ended === 'whole') listing ??= recorder;
    summaries.push(finish(target, report, methodName));
  }
  return summaries;
}

interface Target {
  readonly context: CheckContext;
  readonly accessPoint: AccessPoint;
  readonly method: Method;
  readonly recorder: Recorder;
}

interface Checked {
  readonly report: MethodReport;
  readonly methodName: MethodName;
}

async function runMethod({ context, accessPoint, method, recorder }: Target, objectIds: Int32Array) {
  const { inventory, objectIdOf, userAgent, timeoutMs, hosts, signal } = context;
  const sink = recorder.sink(method.name);
  const task: CheckTask = { accessPoint, inventory, objectIdOf, objectIds, sink, userAgent, timeoutMs, hosts, signal };
  const report = await method.check(task);
  recorder.addCost(report);
  return report;
}

async function checkAll(target: Target): Promise<Checked> {
  return { report: await runMethod(target, target.context.objectIds), methodName: target.method.name };
}

async function checkBySample(target: Target, listing: Recorder): Promise<Checked> {
  const { context, method, recorder } = target;
  const listed = evidenceOf(listing);
  const strata = strataOf(context.inventory, context.objectIds, listed, SAMPLE_SIZE, Math.random());
  const inStratum = new Uint8Array(context.inventory.paths.length);
  for (const { objectIds, sampled } of strata) {
    for (const id of objectIds) inStratum[id] = 1;
    for (const id of sampled) inStratum[id] = 0;
  }
  const sample = await runMethod(
    target,
    context.objectIds.filter((id) => inStratum[id] === 0),
  );
  const rest = context.objectIds.filter((id) => inStratum[id] === 1);
  if (sample.ended !== 'whole') {
    if (sample.ended !== 'interrupted') recorder.failAll(rest, sample.reason);
    return { report: sample, methodName: method.name };
  }
  const asked = evidenceOf(recorder);
  for (const stratum of strata) {
    if (!agrees(stratum, listed, asked)) continue;
    recorder.takeOver(
      stratum.objectIds.filter((id) => inStratum[id] === 1),
      listing,
    );
    for (const id of stratum.objectIds) inStratum[id] = 0;
  }
  const disputed = rest.filter((id) => inStratum[id] === 1);
  const methodName = disputed.length < rest.length ? 'rsync+sample' : method.name;
  if (disputed.length === 0) return { report: sample, methodName };
  return { report: await runMethod(target, disputed), methodName };
}

function evidenceOf(recorder: Recorder): Evidence {
  const { sizeBytes } = recorder.observations;
  return { outcome: (id) => recorder.foundOutcome(id), sizeBytes: (id) => sizeBytes[id] as number };
}

/** Writes what is known so far every half minute, so that a run that is killed has not worked in vain. */
async function withCheckpoints(target: Target, check: Promise<Checked>): Promise<Checked> {
  const { context, accessPoint } = target;
  const timer = setInterval(() => {
    try {
      write(target);
    } catch (error) {
      context.progress.note(`${accessPoint.id}: not written: ${messageOf(error)}`);
    }
  }, CHECKPOINT_EVERY_MS);
  try {
    return await check;
  } finally {
    clearInterval(timer);
  }
}

function write({ context, accessPoint, recorder }: Target): void {
  writeFileAtomic(outputLayout.observations(context.output, accessPoint.id), encodeObservations(recorder.observations));
}

function finish(target: Target, report: MethodReport, method: MethodName): AccessPointSummary {
  const { context, accessPoint, recorder } = target;
  const { asked } = recorder;
  const counts = recorder.counts();
  if (report.ended !== 'interrupted') {
    const { state, reason } = judge(report, counts.failed, asked);
    recorder.setLiveness(state, reason);
  }
  recorder.flushProgress();
  write(target);
  const { cost, liveness } = recorder.observations;
  const { requests, elapsedMs } = cost;
  const { state } = liveness;
  const reason = report.ended === 'interrupted' ? 'interrupted' : liveness.reason;
  context.progress.note(noteLine(accessPoint.id, counts, elapsedMs, reason === '' ? '' : `; ${state}: ${reason}`));
  return { accessPointId: accessPoint.id, method, ...counts, asked, requests, elapsedMs, state, reason };
}

/** The state of an access point after a check. */
export function judge(
  report: MethodReport,
  failed: number,
  asked: number,
): { state: Liveness['state']; reason: string } {
  if (report.ended === 'unusable') return { state: 'down', reason: report.reason };
  if (report.ended === 'partial') return { state: 'failing', reason: report.reason };
  if (failed <= asked * FAILING_SHARE) return { state: 'up', reason: report.reason };
  const [part, whole] = [failed, asked].map((count) => count.toLocaleString('en'));
  const note = report.reason === '' ? '' : `; ${report.reason}`;
  return { state: 'failing', reason: `${part} of ${whole} checks failed${note}` };
}

function noteLine(id: string, counts: ReturnType<Recorder['counts']>, elapsedMs: number, state: string): string {
  const { present, absent, different, failed } = counts;
  const said = Object.entries({ present, absent, different, failed })
    .map(([word, count]) => `${count.toLocaleString('en')} ${word}`)
    .join(', ');
  return `${id}: ${said} in ${(elapsedMs / 1000).toFixed(1)} s${state}`;
}
