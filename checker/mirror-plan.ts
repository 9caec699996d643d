import type { AccessPoint } from '../core/mirror.ts';
import type { Method } from './methods/contract.ts';
import { listingMethodFor } from './methods/index.ts';
import { PHASES, type PhaseName, type Schedule } from './schedule.ts';

/**
 * From this share of the tree on, a listing of all of it costs the server less than a HEAD of each object that is due:
 * both look every name up, but a line of a listing is a fraction of a request and its answer.
 */
const LISTING_SHARE = 0.25;
/** Index pages are a request for each directory: fewer objects are sooner asked for one by one. */
export const FEWEST_OBJECTS_LISTED = 1000;
/** What a listing confirmed by samples may answer for. A rolling check is a HEAD of its own; removed objects are few. */
const LISTED_PHASES: readonly PhaseName[] = ['new', 'expired', 'failed'];

/** What is to be done at one access point in one phase. */
export interface Work {
  /** Ascending. */
  readonly objectIds: Int32Array;
  /**
   * Of an access point that is asked object by object: whether so much is due that a listing of the mirror, confirmed by
   * samples, may spare requests. Of one that is listed: whether its listing shows all that those others want.
   */
  readonly byListing: boolean;
}

export interface ScheduledPoint {
  readonly accessPoint: AccessPoint;
  readonly scope: Method['scope'];
  readonly schedule: Schedule;
}

/** By phase, then by access point id. */
export type MirrorPlan = ReadonlyMap<PhaseName, ReadonlyMap<string, Work>>;

/** Whether to list a tree of `objectsInTree` rather than to ask for each of `due` objects. */
export function isListingCheaper(due: number, objectsInTree: number): boolean {
  return due > 0 && due >= objectsInTree * LISTING_SHARE;
}

/**
 * Divides the work at the access points of one mirror into phases. The access points that are listed are done in the
 * first phase in which one is needed, with all that is due there: one that shows the whole tree at once with all of
 * `inTree` (ascending ids) besides, one that is listed by directory with that alone, since each is a request. Those that
 * take over from a listing are done in that phase too, with all that is due there and may be taken over; one access point
 * is listed for them, whatever is due there.
 */
export function planMirror(points: readonly ScheduledPoint[], inTree: Int32Array): MirrorPlan {
  const listers = points.filter(({ scope }) => scope !== 'object');
  const takers = points.filter((point) => takesOver(point, listers.length > 0, inTree.length));
  const busyListers = listers.filter((point) => due(point, PHASES).length > 0);
  const speaker = takers.length === 0 ? undefined : bestListing(busyListers, listers);
  const plan = new Map(PHASES.map((name) => [name, new Map<string, Work>()]));
  const put = (phase: PhaseName, { accessPoint }: ScheduledPoint, objectIds: Int32Array, byListing: boolean) => {
    if (objectIds.length > 0) plan.get(phase)?.set(accessPoint.id, { objectIds, byListing });
  };
  const first = PHASES.find(
    (name) =>
      busyListers.some((point) => due(point, [name]).length > 0) ||
      (LISTED_PHASES.includes(name) && takers.some((point) => due(point, [name]).length > 0)),
  );
  if (first !== undefined) {
    const wanted = takers.map((point) => due(point, LISTED_PHASES)).reduce(united, new Int32Array(0));
    for (const point of listers.filter((one) => one === speaker || busyListers.includes(one))) {
      const own = due(point, PHASES);
      const others = point.scope === 'tree' ? inTree : point === speaker ? wanted : new Int32Array(0);
      const objectIds = united(others, own);
      put(first, point, objectIds, united(objectIds, wanted).length === objectIds.length);
    }
    for (const point of takers) put(first, point, due(point, LISTED_PHASES), true);
  }
  for (const point of points) {
    if (point.scope !== 'object') continue;
    for (const { name, objectIds } of point.schedule.phases) {
      const isDone = takers.includes(point) && LISTED_PHASES.includes(name);
      if (!isDone) put(name, point, objectIds, false);
    }
  }
  return plan;
}

/** Whether an access point that is asked object by object is to take over what a listing of the mirror shows. */
function takesOver(point: ScheduledPoint, isListed: boolean, objectsInTree: number): boolean {
  if (point.scope !== 'object') return false;
  const count = due(point, LISTED_PHASES).length;
  const hasPages = listingMethodFor(point.accessPoint.protocol) !== undefined && count >= FEWEST_OBJECTS_LISTED;
  return (isListed || hasPages) && isListingCheaper(count, objectsInTree);
}

/** Who costs its server least to be listed for others: one request for all, and one that is made anyway. */
function bestListing(busy: readonly ScheduledPoint[], all: readonly ScheduledPoint[]): ScheduledPoint | undefined {
  const isTree = ({ scope }: ScheduledPoint) => scope === 'tree';
  return busy.find(isTree) ?? all.find(isTree) ?? busy[0] ?? all[0];
}

function due({ schedule }: ScheduledPoint, phases: readonly PhaseName[]): Int32Array {
  const lists = schedule.phases.filter(({ name, objectIds }) => phases.includes(name) && objectIds.length > 0);
  return lists.map(({ objectIds }) => objectIds).reduce(united, new Int32Array(0));
}

/** Both ascending and without repetition, the result too. One that holds the other is itself the result. */
function united(a: Int32Array, b: Int32Array): Int32Array {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  if (a.length === b.length && a.every((id, i) => id === b[i])) return a;
  const both = new Int32Array(a.length + b.length);
  let length = 0;
  for (let i = 0, j = 0; i < a.length || j < b.length; length++) {
    const next = Math.min(a[i] ?? Number.POSITIVE_INFINITY, b[j] ?? Number.POSITIVE_INFINITY);
    if (a[i] === next) i++;
    if (b[j] === next) j++;
    both[length] = next;
  }
  if (length === a.length) return a;
  return length === b.length ? b : both.slice(0, length);
}
