import { setImmediate } from 'node:timers/promises';
import type { Inventory } from '../core/inventory.ts';
import type { Mirror, MirrorList } from '../core/mirror.ts';
import type { MethodName } from '../core/observations.ts';
import { type Chosen, chosenMirrors, chosenObjects } from './chosen.ts';
import { loadObservations } from './known.ts';
import { checkable } from './mirror-check.ts';
import { type MirrorPlan, planMirror } from './mirror-plan.ts';
import { type Only, PHASES, type PhaseName, schedule } from './schedule.ts';

export interface PlanOptions {
  readonly output: string;
  /** Whose files to go by; '' = none was told. */
  readonly vantage: string;
  readonly inventory: Inventory;
  readonly mirrors: MirrorList;
  readonly chosen: Chosen;
  readonly only: Only;
  readonly startedAtS: number;
  /** In which every object is proven anew. */
  readonly periodS: number;
  /** Evidence older than this counts for nothing. */
  readonly expiryS: number;
  /** Told of a file that is begun anew. */
  readonly note: (line: string) => void;
}

export interface PlannedMirror {
  readonly mirror: Mirror;
  readonly plan: MirrorPlan;
}

/** What is due at each chosen mirror, by what its files say. Throws UsageError for a mirror or prefix that is not there. */
export async function planMirrors(options: PlanOptions): Promise<readonly PlannedMirror[]> {
  const mirrors = chosenMirrors(options.mirrors, options.chosen);
  const { all, inTree } = chosenObjects(options.inventory, options.chosen);
  const planned: PlannedMirror[] = [];
  for (const mirror of mirrors) {
    const points = checkable(mirror).map(({ accessPoint, method: { scope } }) => {
      const observations = loadObservations({ ...options, nowS: options.startedAtS }, accessPoint);
      const { id: accessPointId } = accessPoint;
      const due = schedule({
        ...options,
        nowS: options.startedAtS,
        objectIds: all,
        observations,
        accessPointId,
        scope,
      });
      return { accessPoint, scope, schedule: due };
    });
    planned.push({ mirror, plan: planMirror(points, inTree) });
    // Reading hundreds of files takes seconds: signals are to be heard.
    await setImmediate();
  }
  return planned;
}

/** What a check would ask of one access point, at the most: a listing may spare it most requests. */
export interface PlannedPoint {
  readonly accessPointId: string;
  readonly method: MethodName;
  readonly objects: number;
  /** Of them, by phase. */
  readonly phases: Readonly<Record<PhaseName, number>>;
}

/** What `runCheck` would do, without asking anybody. Throws UsageError as it does. */
export async function planCheck(options: PlanOptions): Promise<readonly PlannedPoint[]> {
  const planned = await planMirrors(options);
  return planned.flatMap(({ mirror, plan }) =>
    checkable(mirror).map(({ accessPoint, method }) => {
      const count = (name: PhaseName) => plan.get(name)?.get(accessPoint.id)?.objectIds.length ?? 0;
      const phases = Object.fromEntries(PHASES.map((name) => [name, count(name)])) as Record<PhaseName, number>;
      const objects = PHASES.reduce((sum, name) => sum + phases[name], 0);
      return { accessPointId: accessPoint.id, method: method.name, objects, phases };
    }),
  );
}
