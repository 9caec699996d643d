import { quoted, UsageError } from '../../core/errors.ts';
import { previousRelease } from './changes.ts';
import type { OriginTarget, Publication, PublishContext, ReleaseManifest } from './contract.ts';
import { finish, install, installationOf, type Load, type Steps, type Targets, withLocks } from './install.ts';

export interface RollbackOptions {
  readonly targets: Targets;
  /** A release's id; null = the last one before the current that was published to its end. */
  readonly to: string | null;
  readonly reason: string;
  readonly load: Load;
  readonly by: string;
  readonly nowMs: () => number;
  readonly context: PublishContext;
}

export interface RollbackSummary {
  readonly from: string | null;
  readonly to: string;
  /** How old the maps are that viewers get from now on. */
  readonly ageMs: number;
  readonly steps: Steps;
}

/**
 * Gives viewers an older release again, at all targets. Throws UsageError where there is no such release, before
 * anything was touched.
 */
export function rollback(options: RollbackOptions): Promise<RollbackSummary> {
  const { targets, context, load, nowMs } = options;
  return withLocks(targets.origins, context, async () => {
    const from = await targets.origins[0].current();
    const manifest = await chosen(options, from);
    for (const origin of targets.origins) await assertThere(origin, manifest);
    const installation = await installationOf(targets.origins[0], manifest, load);
    for (const edge of targets.edges) await edge.plan(installation.content, context);
    const publication: Publication = {
      releaseId: manifest.id,
      action: 'rollback',
      atMs: nowMs(),
      by: options.by,
      targets: [...targets.origins, ...targets.edges].map(({ name }) => name),
      state: 'begun',
      reason: options.reason,
    };
    const steps = await install(targets, installation, publication, context);
    const last = await finish(targets, installation, publication, context);
    return { from: from?.id ?? null, to: manifest.id, ageMs: nowMs() - manifest.builtAtMs, steps: [...steps, ...last] };
  });
}

async function chosen({ targets, to }: RollbackOptions, current: ReleaseManifest | null): Promise<ReleaseManifest> {
  const origin = targets.origins[0];
  const releases = await origin.list();
  if (to === null) {
    const previous = previousRelease(await origin.log(), releases, current?.id ?? null);
    if (previous !== null) return previous;
    throw new UsageError(`${origin.name}: no release before ${current?.id ?? 'the first'} to roll back to`);
  }
  const found = releases.find(({ id }) => id === to);
  if (found !== undefined) return found;
  const there = releases.map(({ id }) => id).join(', ');
  throw new UsageError(
    `--to ${quoted(to)}: no such release at ${origin.name}; there are: ${there === '' ? 'none' : there}`,
  );
}

async function assertThere(origin: OriginTarget, { id }: ReleaseManifest): Promise<void> {
  if ((await origin.list()).some((one) => one.id === id)) return;
  throw new UsageError(`${origin.name}: has no release ${id} (any more); nothing was rolled back`);
}
