import { setMaxListeners } from 'node:events';
import { toldOnce } from '../core/clock.ts';
import type { Inventory } from '../core/inventory.ts';
import type { Mirror, MirrorList } from '../core/mirror.ts';
import { readProbes } from '../core/node/liveness-files.ts';
import type { Progress } from '../core/progress.ts';
import type { Chosen } from './chosen.ts';
import { type FirstListings, MIRRORS_AT_ONCE } from './first-listings.ts';
import { recordHistory } from './history.ts';
import { keepHostWishes, readHostWishes } from './host-wishes.ts';
import { knownObservations } from './known.ts';
import { Memory } from './memory.ts';
import { type AccessPointSummary, type CheckContext, checkable, checkMirror } from './mirror-check.ts';
import { HostBudgets, type HostLimits } from './net/host-budget.ts';
import { privateUrls } from './net/reach.ts';
import { busyReason } from './net/reasons.ts';
import { pathIndex } from './path-index.ts';
import { runPhases } from './phases.ts';
import { type PlannedMirror, planMirrors } from './plan.ts';
import { type Only, PHASES, type PhaseName } from './schedule.ts';

const STRAGGLERS_MS = 60_000;
/** So long what was found is still confirmed when no more may be asked for. */
const GRACE_MS = 5000;
const DAY_S = 86_400;

export interface CheckOptions {
  readonly output: string;
  readonly inventory: Inventory;
  readonly mirrors: MirrorList;
  readonly chosen: Chosen;
  readonly only: Only;
  /** Where this runs, by a name of its own; '' = there is one place only. */
  readonly vantage: string;
  /** In which every object is proven anew. */
  readonly periodMs: number;
  /** Evidence older than this counts for nothing. */
  readonly expiryMs: number;
  /** After this time nothing more is asked; null = until all is done. */
  readonly budgetMs: number | null;
  /** How often what was found is written while a check is under way. */
  readonly checkpointMs: number;
  readonly userAgent: string;
  /** The text of the private key that enters hosts over SFTP; null or missing = what the ssh-agent holds. */
  readonly sftpKey?: string | null;
  /** Longest wait for a connection, and longest silence of a server. */
  readonly timeoutMs: number;
  /** Default: `SECOND_TRY_AFTER_MS`. */
  readonly secondTryAfterMs?: number;
  /** What each host may be asked; missing = the defaults. */
  readonly hostLimits?: HostLimits;
  readonly nowMs: () => number;
  readonly progress: Progress;
  /** Raised: what was found is written, and the summary says `interrupted`. */
  readonly signal: AbortSignal;
  /** Begun beforehand; those that the run has no use for are ended with it. */
  readonly firstListings?: FirstListings;
}

export interface CheckSummary {
  /** In the order of the mirror list; those where nothing was due, or that were not begun, are missing. */
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
  /** Whether the budget ended it. */
  readonly outOfBudget: boolean;
  /** Objects that were due and not asked for, by phase; all 0 after a whole run. */
  readonly left: Readonly<Record<PhaseName, number>>;
}

/**
 * Checks what is due (schedule.ts) at every access point of the chosen mirrors, the most important first on all of
 * them, and writes a column file and the day's history for each. What servers do is in the summary, never thrown.
 * Throws UsageError for a mirror or prefix that is not there, and what the file system throws.
 */
export async function runCheck(options: CheckOptions): Promise<CheckSummary> {
  const { progress, nowMs, budgetMs } = options;
  const startedAtMs = nowMs();
  const run = { ...options, ...inSeconds(options, startedAtMs), note: toldOnce(progress.note) };
  const planned = await planMirrors(run);
  const notChecked = countNotChecked(planned.map(({ mirror }) => mirror));
  for (const [protocol, count] of Object.entries(notChecked)) {
    progress.note(`${count} access points not checked yet: no method for ${protocol}`);
  }
  const due = countDue(planned);
  const task = progress.start('check', sum(Object.values(due)), 'objects');
  const budget = new AbortController();
  const broken = new AbortController();
  const timer = budgetMs === null ? undefined : setTimeout(() => budget.abort(), budgetMs);
  const signal = AbortSignal.any([options.signal, budget.signal, broken.signal]);
  const grace = graceAfter(signal);
  const graceSignal = AbortSignal.any([grace.signal, broken.signal]);
  // Every check under way listens to them.
  setMaxListeners(0, signal, graceSignal);
  const hosts = new HostBudgets(
    options.hostLimits,
    readHostWishes(options, startedAtMs, run.note),
    nowMs,
    privateUrls(options.mirrors.mirrors),
  );
  const context: CheckContext = {
    ...run,
    signal,
    graceSignal,
    objectIdOf: pathIndex(options.inventory.paths),
    // By the clock as it is then: in a run of hours its own evidence is no future.
    knownAt: (accessPoint) => knownObservations({ ...run, nowS: Math.floor(nowMs() / 1000) }, accessPoint),
    hosts,
    memory: new Memory(options.inventory.paths.length),
    acquaintances: new Map(),
    task,
  };
  const results = new Results(due);
  const work = async (phase: PhaseName, { mirror, plan }: PlannedMirror): Promise<void> => {
    const works = [...(plan.get(phase) ?? [])].filter(([id]) => !results.isPassedOver(id));
    try {
      results.add(phase, await checkMirror(context, mirror, new Map(works)));
    } catch (error) {
      // A full disk: nothing goes on behind the back of the caller.
      broken.abort();
      throw error;
    }
  };
  try {
    const limits = { concurrency: MIRRORS_AT_ONCE, stragglersMs: STRAGGLERS_MS };
    await runPhases({ phases: PHASES, items: planned, work, ...limits });
    keepHostWishes(options, hosts, nowMs());
    for (const [host, wish] of hosts.leftAlone) {
      progress.note(`${host} ${busyReason(wish)}: what is due there is left for a later run`);
    }
    const accessPoints = results.inOrder(planned);
    recordHistory({ ...run, accessPoints, lagS: stampLag(options, planned) });
    return {
      ...{ accessPoints, totals: totalsOf(accessPoints), notChecked, left: results.left },
      elapsedMs: Math.max(0, Math.round(nowMs() - startedAtMs)),
      interrupted: options.signal.aborted,
      outOfBudget: budget.signal.aborted && sum(Object.values(results.left)) > 0,
    };
  } finally {
    clearTimeout(timer);
    grace.end();
    task.end();
  }
}

/** A signal that is raised some seconds after another one; to be ended. */
function graceAfter(signal: AbortSignal): { readonly signal: AbortSignal; end(): void } {
  const grace = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    timer = setTimeout(() => grace.abort(), GRACE_MS);
  };
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
  return {
    signal: grace.signal,
    end: () => {
      signal.removeEventListener('abort', begin);
      clearTimeout(timer);
    },
  };
}

/** How far behind the master the last probe found an access point, by its id; null where that was over a day ago. */
function stampLag({ output, progress, nowMs }: CheckOptions, planned: readonly PlannedMirror[]) {
  const nowS = nowMs() / 1000;
  const oldestS = nowS - DAY_S;
  const probed = readProbes(output, nowS, progress.note);
  const points = new Map(planned.flatMap(({ mirror }) => mirror.accessPoints).map((point) => [point.id, point]));
  return (id: string): number | null => {
    const point = points.get(id);
    const record = point === undefined ? null : probed(point);
    return record !== null && record.liveness.checkedAtS >= oldestS ? record.stampLagS : null;
  };
}

/** The times of a run in the unit of the columns. */
export function inSeconds(
  { periodMs, expiryMs }: Pick<CheckOptions, 'periodMs' | 'expiryMs'>,
  startedAtMs: number,
): { readonly startedAtS: number; readonly periodS: number; readonly expiryS: number } {
  return { startedAtS: Math.floor(startedAtMs / 1000), periodS: periodMs / 1000, expiryS: expiryMs / 1000 };
}

/** What the phases of a run found. */
class Results {
  /** What is not asked for yet. */
  readonly left: Record<PhaseName, number>;
  readonly #byAccessPoint = new Map<string, AccessPointSummary>();
  readonly #passedOver = new Set<string>();

  constructor(due: Readonly<Record<PhaseName, number>>) {
    this.left = { ...due };
  }

  add(phase: PhaseName, summaries: readonly AccessPointSummary[]): void {
    for (const summary of summaries) {
      const { accessPointId: id, present, absent, different, failed } = summary;
      const before = this.#byAccessPoint.get(id);
      this.#byAccessPoint.set(id, before === undefined ? summary : together(before, summary));
      this.left[phase] -= present + absent + different + failed;
      if (summary.state === 'down' || summary.isBusy) this.#passedOver.add(id);
    }
  }

  /** It was found down, or without room for us, in this run: what else is due there waits for the next. */
  isPassedOver(accessPointId: string): boolean {
    return this.#passedOver.has(accessPointId);
  }

  inOrder(planned: readonly PlannedMirror[]): AccessPointSummary[] {
    const ids = planned.flatMap(({ mirror }) => checkable(mirror).map(({ accessPoint }) => accessPoint.id));
    return ids.flatMap((id) => this.#byAccessPoint.get(id) ?? []);
  }
}

/** Of two phases: the counts of both, the state and the cost, which adds up by itself, after the later one. */
function together(before: AccessPointSummary, after: AccessPointSummary): AccessPointSummary {
  return {
    ...after,
    method: before.asked > after.asked ? before.method : after.method,
    present: before.present + after.present,
    absent: before.absent + after.absent,
    different: before.different + after.different,
    failed: before.failed + after.failed,
    asked: before.asked + after.asked,
    isJudged: before.isJudged || after.isJudged,
  };
}

function countDue(planned: readonly PlannedMirror[]): Record<PhaseName, number> {
  const count = (name: PhaseName) =>
    sum(planned.flatMap(({ plan }) => [...(plan.get(name)?.values() ?? [])].map(({ objectIds }) => objectIds.length)));
  return Object.fromEntries(PHASES.map((name) => [name, count(name)])) as Record<PhaseName, number>;
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

function totalsOf(accessPoints: readonly AccessPointSummary[]): CheckSummary['totals'] {
  const total = (key: keyof CheckSummary['totals']) => sum(accessPoints.map((point) => point[key]));
  return {
    present: total('present'),
    absent: total('absent'),
    different: total('different'),
    failed: total('failed'),
    asked: total('asked'),
    requests: total('requests'),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
