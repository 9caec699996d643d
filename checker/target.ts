import { messageOf } from '../core/errors.ts';
import { observationPieces } from '../core/formats/observations-file.ts';
import type { AccessPoint } from '../core/mirror.ts';
import { writeFileAtomic } from '../core/node/atomic-file.ts';
import { outputLayout } from '../core/output-layout.ts';
import { Checkpoint } from './checkpoint.ts';
import type { CheckTask, Method, MethodReport, Sink } from './methods/contract.ts';
import type { CheckContext } from './mirror-check.ts';
import { Acquaintance } from './net/acquaintance.ts';
import { Recorder } from './recorder.ts';

/** With the objects that are to be checked at one access point. */
export interface PointContext extends CheckContext {
  readonly objectIds: Int32Array;
}

/** One access point under check. */
export interface Target {
  readonly context: PointContext;
  readonly accessPoint: AccessPoint;
  readonly method: Method;
  readonly recorder: Recorder;
  readonly checkpoint: Checkpoint;
}

/** Begins the check of an access point: loads what is known of it. */
export function begin(context: PointContext, accessPoint: AccessPoint, method: Method): Target {
  const onSettled = (objects: number) => {
    context.task.advance(objects);
    context.memory.settled(objects);
  };
  const recorder = new Recorder(
    context.knownAt(accessPoint),
    context.objectIds.length,
    context.nowMs,
    onSettled,
    context,
  );
  const checkpoint = new Checkpoint(context.checkpointMs, () => {
    try {
      write(context, recorder);
    } catch (error) {
      context.progress.note(`${accessPoint.id}: not written: ${messageOf(error)}`);
    }
  });
  return { context, accessPoint, method, recorder, checkpoint };
}

/** To be called where nothing is unconfirmed. */
export function write({ output, vantage, memory }: CheckContext, { observations }: Recorder): void {
  const file = outputLayout.observations(output, observations.accessPointId, vantage);
  writeFileAtomic(file, memory.tidied(observationPieces(observations)));
}

/** What was recorded so far counts, and is written where that is due. */
export function confirm({ recorder, checkpoint }: Target): void {
  recorder.confirm();
  checkpoint.reached();
}

/** Runs a method over some objects, and counts what it costs. */
export async function runMethod(
  target: Target,
  method: Method,
  objectIds: Int32Array,
  sink: Sink,
): Promise<MethodReport> {
  const { context, accessPoint, recorder } = target;
  const { inventory, objectIdOf, userAgent, timeoutMs, secondTryAfterMs, hosts, signal, graceSignal } = context;
  const { leftAlone } = hosts.of(accessPoint.url);
  const acquaintance = acquaintanceWith(context, accessPoint);
  const begun = (method.name === 'rsync' && context.firstListings?.take(accessPoint.id)) || null;
  const task: CheckTask = {
    ...{ accessPoint, inventory, objectIdOf, objectIds, sink, userAgent, timeoutMs, hosts, acquaintance },
    ...{ checkpointMs: context.checkpointMs, begun, sftpKey: context.sftpKey ?? null },
    ...(secondTryAfterMs === undefined ? {} : { secondTryAfterMs }),
    signal: AbortSignal.any([signal, leftAlone]),
    graceSignal: AbortSignal.any([graceSignal, leftAlone]),
  };
  const report = await method.check(task);
  recorder.addCost(report);
  return report;
}

function acquaintanceWith({ acquaintances }: CheckContext, { id }: AccessPoint): Acquaintance {
  const acquaintance = acquaintances.get(id) ?? new Acquaintance();
  acquaintances.set(id, acquaintance);
  return acquaintance;
}

/** Checks some objects by the access point's own method. */
export async function askFor(target: Target, objectIds: Int32Array): Promise<MethodReport> {
  const { method, recorder } = target;
  // What a listing shows is what it is; nothing else tells of it.
  const isProof = method.scope !== 'object';
  const sink = { ...recorder.sink(method.name, isProof), confirm: () => confirm(target) };
  const report = await runMethod(target, method, objectIds, sink);
  if (isProof) confirm(target);
  return report;
}
