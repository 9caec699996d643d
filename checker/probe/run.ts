import PQueue from 'p-queue';
import { toldOnce } from '../../core/clock.ts';
import { RunError } from '../../core/errors.ts';
import { encodeLiveness } from '../../core/formats/liveness-file.ts';
import type { Inventory } from '../../core/inventory.ts';
import type { KnownObject, ProbeRecord } from '../../core/liveness.ts';
import { LAYOUT_PATH, type MasterFiles, stampS } from '../../core/master-files.ts';
import type { AccessPoint, MirrorList } from '../../core/mirror.ts';
import { writeFileAtomic } from '../../core/node/atomic-file.ts';
import { type Probed, readProbes } from '../../core/node/liveness-files.ts';
import { readObservations } from '../../core/node/observation-files.ts';
import type { Observations } from '../../core/observations.ts';
import { outputLayout } from '../../core/output-layout.ts';
import type { Progress } from '../../core/progress.ts';
import { foldProbes, probesOf } from '../../core/vantage-probes.ts';
import { keepHostWishes, readHostWishes } from '../host-wishes.ts';
import { HostBudgets, type HostLimits } from '../net/host-budget.ts';
import { privateUrls } from '../net/reach.ts';
import { pathIndex } from '../path-index.ts';
import { SECOND_TRY_AFTER_MS } from '../second-try.ts';
import { probeAccessPoint } from './access-point.ts';
import { knownObjects, presumedObject, stillKnown } from './known-objects.ts';
import { type Network, systemNetwork } from './network.ts';
import type { Master } from './task.ts';
import type { Family, ProbeContext } from './try.ts';

/** Each is another server, asked one thing at a time. */
const AT_ONCE = 96;
/** Where none of so many answers, it is more likely us than them. */
const FEW_ACCESS_POINTS = 10;

export interface ProbeOptions {
  readonly output: string;
  readonly inventory: Inventory;
  readonly mirrors: MirrorList;
  /** Of these mirrors only; null = all. */
  readonly mirrorIds: readonly string[] | null;
  /** Where this runs, by a name of its own; '' = none is told. */
  readonly vantage: string;
  readonly master: MasterFiles;
  readonly userAgent: string;
  /** The text of the private key that enters hosts over SFTP; null or missing = what the ssh-agent holds. */
  readonly sftpKey?: string | null;
  /** Longest wait for one answer; an access point takes at most some three times as long. */
  readonly timeoutMs: number;
  /** What each host may be asked. Default: `DEFAULT_LIMITS`. */
  readonly hostLimits?: HostLimits;
  /** Default: `SECOND_TRY_AFTER_MS`. */
  readonly secondTryAfterMs?: number;
  readonly nowMs: () => number;
  readonly progress: Progress;
  /** Raised: what was found is written, the rest stays as it was. */
  readonly signal: AbortSignal;
  /** Default: this machine's own. */
  readonly network?: Network;
}

export interface ProbeSummary {
  /** In the order of the mirror list; only those that were probed in this run. */
  readonly accessPoints: readonly ProbeRecord[];
  readonly requests: number;
  readonly elapsedMs: number;
  readonly interrupted: boolean;
}

/**
 * Probes all access points of the chosen mirrors at once and writes what it found into `output/liveness.json`, or the
 * vantage's own file, beside what is known of the others. What servers do is in the summary, never thrown. Throws RunError where none of many
 * answers, and writes nothing then; and what the file system throws.
 */
export async function runProbe(options: ProbeOptions): Promise<ProbeSummary> {
  const { output, inventory, mirrors, mirrorIds, vantage, progress, signal, nowMs } = options;
  const startedAtMs = nowMs();
  const all = mirrors.mirrors.flatMap((mirror) => mirror.accessPoints);
  const chosen = all.filter(({ mirrorId }) => mirrorIds === null || mirrorIds.includes(mirrorId));
  const note = toldOnce(progress.note);
  const probed = readProbes(output, startedAtMs / 1000, note, vantage);
  // Of what several vantages found this one goes on with its own.
  const beforeOf: Probed = (accessPoint) => {
    const record = probed(accessPoint);
    return record === null ? null : (probesOf(record, vantage)[vantage] ?? null);
  };
  const objectIdOf = pathIndex(inventory.paths);
  const readOf = (accessPoint: AccessPoint, whose: string) =>
    readObservations(output, accessPoint, inventory.paths.length, nowMs() / 1000, note, whose);
  const evidence = (accessPoint: AccessPoint) =>
    (vantage === '' ? null : readOf(accessPoint, vantage)) ?? readOf(accessPoint, '');
  const leftOut = { 4: new Set<string>(), 6: new Set<string>() };
  const hosts = new HostBudgets(
    options.hostLimits,
    readHostWishes(options, startedAtMs, note),
    nowMs,
    privateUrls(mirrors.mirrors),
  );
  const context: ProbeContext = {
    ...options,
    hosts,
    master: masterOf(inventory, options.master, objectIdOf),
    secondTryAfterMs: options.secondTryAfterMs ?? SECOND_TRY_AFTER_MS,
    network: options.network ?? systemNetwork(),
    onLeftOut: ({ id }, family) => leftOut[family].add(id),
    knownAt: (accessPoint) => provenAt(accessPoint, inventory, evidence(accessPoint), objectIdOf),
  };
  const task = progress.start('probe', chosen.length, 'access points');
  const queue = new PQueue({ concurrency: AT_ONCE });
  const probeOne = async (accessPoint: AccessPoint) => {
    if (signal.aborted) return null;
    const before = beforeOf(accessPoint);
    const remembered = stillKnown(before?.knownObjects ?? [], inventory, objectIdOf);
    // A megabyte each: read only where the last probe does not tell what to ask for.
    const observations = remembered.length > 0 ? null : evidence(accessPoint);
    const known = remembered.length > 0 ? remembered : provenAt(accessPoint, inventory, observations, objectIdOf);
    const checked = observations?.liveness ?? null;
    const record = await probeAccessPoint(context, accessPoint, { record: before, checked, known });
    task.advance(1);
    return record;
  };
  try {
    const found = await queue.addAll(chosen.map((accessPoint) => () => probeOne(accessPoint)));
    const records = found.filter((record) => record !== null);
    keepHostWishes(options, hosts, nowMs());
    noteLeftOut(leftOut, progress);
    if (!signal.aborted) throwIfCutOff(records);
    write(options, all, records, nowMs());
    const requests = records.reduce((sum, { cost }) => sum + cost.requests, 0);
    const elapsedMs = Math.max(0, Math.round(nowMs() - startedAtMs));
    return { accessPoints: records, requests, elapsedMs, interrupted: signal.aborted };
  } finally {
    task.end();
  }
}

function masterOf(
  inventory: Inventory,
  { stamp, layout }: MasterFiles,
  objectIdOf: (path: string) => number | undefined,
): Master {
  const layoutId = objectIdOf(LAYOUT_PATH);
  return {
    stampS: stamp === null ? null : stampS(stamp),
    layout,
    layoutChangedS: layoutId === undefined ? 0 : (inventory.mtimeS[layoutId] as number),
  };
}

function provenAt(
  accessPoint: AccessPoint,
  inventory: Inventory,
  observations: Observations | null,
  objectIdOf: (path: string) => number | undefined,
): readonly KnownObject[] {
  const proven = observations === null ? [] : knownObjects(inventory, observations, Math.random());
  if (proven.length > 0) return proven;
  const presumed = presumedObject(accessPoint, inventory, objectIdOf);
  return presumed === null ? [] : [presumed];
}

/** A machine without IPv6 need not hear of it where nobody was to be reached that way. */
function noteLeftOut(leftOut: Readonly<Record<Family, ReadonlySet<string>>>, progress: Progress): void {
  for (const family of [4, 6] as const) {
    const { size } = leftOut[family];
    const points = size === 1 ? 'one access point' : `${size.toLocaleString('en')} access points`;
    if (size > 0) progress.note(`this machine has no IPv${family}: over it nothing is told of ${points}`);
  }
}

function throwIfCutOff(records: readonly ProbeRecord[]): void {
  const [first] = records;
  if (first === undefined || records.length < FEW_ACCESS_POINTS) return;
  if (records.some(({ liveness }) => liveness.state === 'up')) return;
  throw new RunError(
    `none of ${records.length} access points is of use (the first: ${first.liveness.reason}): more likely the network of this machine is not; nothing is written`,
  );
}

/** In the order of the mirror list; access points that are no longer on it go. */
function write(
  { output, vantage }: Pick<ProbeOptions, 'output' | 'vantage'>,
  all: readonly AccessPoint[],
  records: readonly ProbeRecord[],
  probedAtMs: number,
): void {
  const found = new Map(records.map((record) => [record.accessPointId, record]));
  // Read anew: others may have been folded in meanwhile. What is wrong with the file was told at the beginning.
  const before = readProbes(output, probedAtMs / 1000, () => {}, vantage);
  const accessPoints = all.flatMap((accessPoint) => {
    const [record, known] = [found.get(accessPoint.id), before(accessPoint)];
    if (record === undefined || known?.vantages === undefined) return record ?? known ?? [];
    return foldProbes([known.vantages, { [vantage]: record }]);
  });
  const whose = vantage === '' ? {} : { vantage };
  writeFileAtomic(
    outputLayout.liveness(output, vantage),
    encodeLiveness({ version: 1, ...whose, probedAtMs, accessPoints }),
  );
}
