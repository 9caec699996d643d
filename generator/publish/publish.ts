import { messageOf, RunError } from '../../core/errors.ts';
import { changedPaths, lastDone } from './changes.ts';
import type { EdgePlan, GatheredRelease, Publication, ReleaseManifest, UploadWork } from './contract.ts';
import { figuresOf } from './figures.ts';
import { gatherRelease } from './gather.ts';
import { type GuardFinding, guard, guardMissed, type Thresholds } from './guards.ts';
import { finish, type Installation, install, installationOf, type Steps, type Targets, withLocks } from './install.ts';
import { type LookUpReport, verifyLookUps } from './look-ups.ts';
import { type Built, readBuilt } from './read-built.ts';
import { goldenEvents } from './replay/golden.ts';
import { type ProofOptions, prove } from './replay/prove.ts';
import type { ReplayReport } from './replay/replay.ts';
import type { SampleReport } from './replay/sample.ts';

export interface PublishOptions extends ProofOptions {
  readonly output: string;
  readonly expiryMs: number;
  readonly targets: Targets;
  readonly thresholds: Thresholds;
  /** Releases that stay at an origin. */
  readonly keep: number;
  /** Why the guards are overruled; null = they are not. */
  readonly force: string | null;
  readonly dryRun: boolean;
  /** The hostname that is looked up afterwards; null = none. */
  readonly verify: {
    readonly url: string;
    readonly patienceMs: number;
    readonly intervalMs: number;
    readonly timeoutMs: number;
  } | null;
  /** `user@host`. */
  readonly by: string;
  readonly nowMs: () => number;
}

export interface PublishSummary {
  readonly releaseId: string;
  /** The release that was there before; null = none. */
  readonly before: string | null;
  /** `unchanged`: it is what is published already. */
  readonly result: 'published' | 'unchanged' | 'dry run';
  readonly files: number;
  /** Of them, those that are new or differ, and those that are gone; all where there was no release before. */
  readonly changed: number;
  readonly guards: readonly GuardFinding[];
  readonly replay: ReplayReport | null;
  readonly sample: SampleReport | null;
  readonly plans: readonly (EdgePlan & { readonly target: string })[];
  readonly uploads: readonly (UploadWork & { readonly target: string })[];
  readonly steps: Steps;
  readonly lookUps: LookUpReport | null;
  readonly removed: readonly string[];
}

/**
 * Publishes what was built: guards, replay, origins, edges, look-ups, in this order; docs/runbook.md tells it. Killed
 * anywhere it leaves what viewers are answered right by, and the next one completes. Throws RunError where it is
 * refused, or fails; what failed after the switch is rolled back first.
 */
export async function publish(options: PublishOptions): Promise<PublishSummary> {
  const { output, expiryMs, dryRun, targets, context } = options;
  const built = readBuilt(output, expiryMs, options.nowMs(), context.progress);
  // A dry run changes nothing anywhere, so it takes no lock.
  return dryRun
    ? publishBuilt(options, built)
    : withLocks(targets.origins, context, () => publishBuilt(options, built));
}

async function publishBuilt(options: PublishOptions, built: Built): Promise<PublishSummary> {
  const { targets, context, keep } = options;
  const origin = targets.origins[0];
  const [log, releases] = [await origin.log(), await origin.list()];
  const before = lastDone(log, releases);
  const guards = guarded(options, guard(figuresOf(built), before?.figures ?? null, options.thresholds));
  const draft = gathered(options, built);
  const { manifest } = draft;
  const summary: PublishSummary = {
    releaseId: manifest.id,
    before: before?.id ?? null,
    result: options.dryRun ? 'dry run' : 'published',
    files: manifest.files.length,
    changed: before === null ? manifest.files.length : changedPaths([before], manifest).length,
    guards,
    replay: null,
    sample: null,
    plans: [],
    uploads: [],
    steps: [],
    lookUps: null,
    removed: [],
  };
  if (!options.dryRun && options.force === null && isPublished(log.at(-1), before, manifest, targets)) {
    return { ...summary, releaseId: (before as ReleaseManifest).id, result: 'unchanged' };
  }
  const installation = await installationFrom(options, built, manifest);
  const plans: (EdgePlan & { target: string })[] = [];
  for (const edge of targets.edges)
    plans.push({ ...(await edge.plan(installation.content, context)), target: edge.name });
  const proof = await prove(options, built, installation.content);
  const all = [...guards, ...guarded(options, [guardMissed(proof.replay)])];
  if (options.dryRun) return { ...summary, ...proof, guards: all, plans };
  const release = forced(draft, all, options.force);
  const uploads: (UploadWork & { target: string })[] = [];
  for (const one of targets.origins) uploads.push({ ...(await one.upload(release, context)), target: one.name });
  const released = { ...installation, manifest: release.manifest };
  const { steps, lookUps } = await installed(options, built, released, before);
  const removed = new Set<string>();
  for (const one of targets.origins)
    for (const id of await one.prune(keep, [manifest.id, before?.id ?? ''])) removed.add(id);
  return { ...summary, ...proof, guards: all, plans, uploads, steps, lookUps, removed: [...removed] };
}

/** Throws RunError where a guard objects and nobody overrules it. */
function guarded({ force, context }: PublishOptions, findings: readonly GuardFinding[]): readonly GuardFinding[] {
  const objections = findings.filter(({ ok }) => !ok);
  for (const one of objections) context.progress.note(`guard "${one.guard}" objects: ${one.sentence}`);
  if (objections.length === 0 || force !== null) return findings;
  throw new RunError(
    `not published: ${objections.map((one) => `${one.guard}: ${one.sentence}`).join('; ')}. ` +
      'If that is true, publish with --force --reason "…"',
  );
}

function gathered({ output, nowMs }: PublishOptions, built: Built): GatheredRelease {
  return gatherRelease(output, {
    gatheredAtMs: nowMs(),
    builtAtMs: built.table.builtAtMs,
    figures: figuresOf(built),
    forced: null,
  });
}

/** The release with what a person overruled. */
function forced(release: GatheredRelease, guards: readonly GuardFinding[], reason: string | null): GatheredRelease {
  const objections = guards.filter(({ ok }) => !ok).map((one) => `${one.guard}: ${one.sentence}`);
  if (reason === null || objections.length === 0) return release;
  return { ...release, manifest: { ...release.manifest, forced: { reason, objections } } };
}

/** Whether the very same files are what the last publication, done to its end, brought to all these targets. */
function isPublished(
  last: Publication | undefined,
  before: ReleaseManifest | null,
  { sha256 }: ReleaseManifest,
  { origins, edges }: Targets,
): boolean {
  const names = [...origins, ...edges].map(({ name }) => name);
  const isWhole = last?.state === 'done' && names.every((name) => last.targets.includes(name));
  return isWhole && before?.id === last.releaseId && before.sha256 === sha256;
}

async function installationFrom(
  { load }: PublishOptions,
  built: Built,
  manifest: ReleaseManifest,
): Promise<Installation> {
  const { keys, functionCode, table } = built;
  const golden = await goldenEvents(table, load(functionCode, keys));
  return { manifest, content: { releaseId: manifest.id, keys, functionCode }, golden };
}

/** Switches, proves it from outside, and finishes; what fails on the way is rolled back. */
async function installed(
  options: PublishOptions,
  built: Built,
  installation: Installation,
  before: ReleaseManifest | null,
): Promise<{ steps: Steps; lookUps: LookUpReport | null }> {
  const { targets, context, verify, policy } = options;
  const publication: Publication = {
    releaseId: installation.manifest.id,
    action: 'publish',
    atMs: options.nowMs(),
    by: options.by,
    targets: [...targets.origins, ...targets.edges].map(({ name }) => name),
    state: 'begun',
    reason: installation.manifest.forced?.reason ?? '',
  };
  try {
    const steps = await install(targets, installation, publication, context);
    const lookUps = verify === null ? null : await verifyLookUps({ ...verify, built, policy }, context);
    return { steps: [...steps, ...(await finish(targets, installation, publication, context))], lookUps };
  } catch (error) {
    // Interrupted, it is left to the next publication to complete; what viewers are answered meanwhile is right.
    if (context.signal.aborted) throw error;
    throw await withdrawn(options, publication, before, error);
  }
}

/** Rolls back to what was there before. Answers the error that tells what happened. */
async function withdrawn(
  { targets, load, context }: PublishOptions,
  publication: Publication,
  before: ReleaseManifest | null,
  error: unknown,
): Promise<RunError> {
  const why = messageOf(error);
  if (before === null) return new RunError(`${why}. It is the first publication: there is nothing to roll back to`);
  context.progress.note(`${why}; rolling back to ${before.id}`);
  const undone: Publication = { ...publication, state: 'withdrawn', reason: why.slice(0, 500) };
  try {
    await install(targets, await installationOf(targets.origins[0], before, load), undone, context);
    return new RunError(`${why}. Rolled back to release ${before.id}`);
  } catch (second) {
    return new RunError(
      `${why}. Rolling back to ${before.id} failed too (${messageOf(second)}); run "redirector rollback"`,
    );
  }
}
