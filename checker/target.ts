import type { AccessPoint } from '../core/mirror.ts';
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
}

/** Begins the check of an access point: loads what is known of it. */
export function begin(context: PointContext, accessPoint: AccessPoint, method: Method): Target {
  const observations = context.loadObservations(accessPoint);
  const onSettled = (objects: number) => context.task.advance(objects);
  const recorder = new Recorder(observations, context.objectIds.length, context.nowMs, onSettled, context);
  return { context, accessPoint, method, recorder };
}

/** Runs a method over some objects, and counts what it costs. */
export async function runMethod(
  target: Target,
  method: Method,
  objectIds: Int32Array,
  sink: Sink,
): Promise<MethodReport> {
  const { context, accessPoint, recorder } = target;
  const { inventory, objectIdOf, userAgent, timeoutMs, hosts, signal } = context;
  const acquaintance = acquaintanceWith(context, accessPoint);
  const begun = (method.name === 'rsync' && context.firstListings?.take(accessPoint.id)) || null;
  const task: CheckTask = {
    ...{
      accessPoint,
      inventory,
      objectIdOf,
      objectIds,
      sink,
      userAgent,
      timeoutMs,
      hosts,
      acquaintance,
      signal,
      begun,
    },
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
export function askFor(target: Target, objectIds: Int32Array): Promise<MethodReport> {
  return runMethod(target, target.method, objectIds, target.recorder.sink(target.method.name));
}
