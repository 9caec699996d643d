import { setMaxListeners } from 'node:events';
import PQueue from 'p-queue';
import { FormatError, quoted, UsageError } from '../core/errors.ts';
import { decodeObservations, emptyObservations } from '../core/formats/observations-file.ts';
import type { Inventory } from '../core/inventory.ts';
import type { AccessPoint, Mirror, MirrorList } from '../core/mirror.ts';
import { readFileOrNull } from '../core/node/atomic-file.ts';
import type { Observations } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import { canonicalRequestPath } from '../core/path.ts';
import type { Progress } from '../core/progress.ts';
import { type AccessPointSummary, type CheckContext, checkable, checkMirror } from './mirror-check.ts';
import { HostBudgets, type HostLimits } from './net/host-budget.ts';

const MIRRORS_AT_ONCE = 16;

export interface CheckOptions {
  readonly output: string;
  readonly inventory: Inventory;
  readonly mirrors: MirrorList;
  /** Restricts the check; empty = all. `treePrefix` is a path as a person writes it: "distfiles/ab". */
  readonly only: { readonly mirrorIds: readonly string[]; readonly treePrefix: string };
  readonly userAgent: string;
  /** Longest wait for a connection, and longest silence of a server. */
  readonly timeoutMs: number;
  /** What each host may be asked; missing = the defaults. */
  readonly hostLimits?: HostLimits;
  readonly nowMs: () => number;
  readonly progress: Progress;
  /** Raised: what was found is written, and the summary says `interrupted`. */
  readonly signal: AbortSignal;
}

export interface CheckSummary {
  /** In the order of the mirror list; those that were not begun are missing. */
  readonly accessPoints: readonly AccessPointSummary[];
  readonly totals: {
    readonly present: number;
    readonly absent: number;
    readonly different: number;
    readonly failed: number;
    readonly asked: number;
    readonly requests: number;
  };
  /** Access points of protocols that no method serves, by protocol. */
  readonly notChecked: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
  readonly interrupted: boolean;
}

/**
 * Checks every object of the inventory that is in the tree at every access point of the chosen mirrors, and writes a
 * column file for each. What servers do is in the summary, never thrown. Throws UsageError for a mirror or prefix that
 * is not there, and what the file system throws.
 */
export async function runCheck(options: CheckOptions): Promise<CheckSummary> {
  const { inventory, progress, nowMs } = options;
  const startedAtMs = nowMs();
  const mirrors = chosenMirrors(options.mirrors, options.only.mirrorIds);
  const objectIds = chosenObjects(inventory, options.only.treePrefix);
  const notChecked = countNotChecked(mirrors);
  for (const [protocol, count] of Object.entries(notChecked)) {
    progress.note(`${count} access points not checked yet: no method for ${protocol}`);
  }
  const points = mirrors.reduce((sum, mirror) => sum + checkable(mirror).length, 0);
  const task = progress.start('check', points * objectIds.length, 'objects');
  const broken = new AbortController();
  const signal = AbortSignal.any([options.signal, broken.signal]);
  // Every check under way listens to it.
  setMaxListeners(0, signal);
  const context: CheckContext = {
    ...options,
    signal,
    objectIds,
    objectIdOf: lazyIndex(inventory),
    loadObservations: (accessPoint) => loadObservations(options, accessPoint),
    hosts: new HostBudgets(options.hostLimits),
    task,
  };
  const queue = new PQueue({ concurrency: MIRRORS_AT_ONCE });
  try {
    const perMirror = await queue.addAll(mirrors.map((mirror) => () => checkMirror(context, mirror)));
    const accessPoints = perMirror.flat();
    const elapsedMs = Math.max(0, Math.round(nowMs() - startedAtMs));
    return { accessPoints, totals: totalsOf(accessPoints), notChecked, elapsedMs, interrupted: options.signal.aborted };
  } catch (error) {
    // A full disk: nothing goes on behind the back of the caller.
    broken.abort();
    await queue.onIdle();
    throw error;
  } finally {
    task.end();
  }
}

function chosenMirrors(list: MirrorList, ids: readonly string[]): readonly Mirror[] {
  if (ids.length === 0) return list.mirrors;
  const known = new Set(list.mirrors.map((mirror) => mirror.id));
  const unknown = ids.find((id) => !known.has(id));
  if (unknown !== undefined) {
    throw new UsageError(`no mirror has the id ${quoted(unknown)}; the ids are the host names in the mirror list`);
  }
  return list.mirrors.filter((mirror) => ids.includes(mirror.id));
}

export function chosenObjects(inventory: Inventory, treePrefix: string): Int32Array {
  const { paths, removedAtS } = inventory;
  const prefix = canonicalRequestPath(treePrefix)?.replace(/\/$/, '');
  if (prefix === undefined)
    throw new UsageError(`${quoted(treePrefix)} is no path: a percent sign needs two hex digits`);
  const beneath = `${prefix}/`;
  const isChosen = (path: string) => prefix === '' || path === prefix || path.startsWith(beneath);
  const ids = new Int32Array(paths.length).map((_, id) => id);
  const chosen = ids.filter((id) => removedAtS[id] === 0 && isChosen(paths[id] as string));
  if (chosen.length === 0) {
    const where =
      prefix === '' ? 'the inventory holds no object' : `no object of the inventory lies under ${quoted(treePrefix)}`;
    throw new UsageError(`${where}; run "redirector inventory" or give another prefix`);
  }
  return chosen;
}

function countNotChecked(mirrors: readonly Mirror[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const mirror of mirrors) {
    const served = new Set(checkable(mirror).map(({ accessPoint }) => accessPoint));
    for (const accessPoint of mirror.accessPoints) {
      if (!served.has(accessPoint)) counts[accessPoint.protocol] = (counts[accessPoint.protocol] ?? 0) + 1;
    }
  }
  return counts;
}

/** The ids of paths; made at the first question, because a check by HEAD alone has none. */
function lazyIndex(inventory: Inventory): (path: string) => number | undefined {
  let index: Map<string, number> | null = null;
  return (path) => {
    index ??= new Map(inventory.paths.map((known, id) => [known, id]));
    return index.get(path);
  };
}

/** What is known of an access point. A file that is torn, or of another place, is told of and begun anew. */
function loadObservations(options: CheckOptions, accessPoint: AccessPoint): Observations {
  const { output, inventory, nowMs, progress } = options;
  const count = inventory.paths.length;
  const file = outputLayout.observations(output, accessPoint.id);
  const fresh = () => emptyObservations(accessPoint.id, accessPoint.url, count, Math.floor(nowMs() / 1000));
  const bytes = readFileOrNull(file);
  if (bytes === null) return fresh();
  try {
    const found = decodeObservations(bytes, count, file);
    if (found.accessPointId === accessPoint.id && found.url === accessPoint.url) return found;
    progress.note(`${file}: is about ${quoted(found.url)}, not ${quoted(accessPoint.url)}; begun anew`);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    progress.note(`${error.message}; begun anew`);
  }
  return fresh();
}

function totalsOf(accessPoints: readonly AccessPointSummary[]): CheckSummary['totals'] {
  const sum = (key: keyof CheckSummary['totals']) => accessPoints.reduce((total, point) => total + point[key], 0);
  return {
    present: sum('present'),
    absent: sum('absent'),
    different: sum('different'),
    failed: sum('failed'),
    asked: sum('asked'),
    requests: sum('requests'),
  };
}
