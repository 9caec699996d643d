import { RunError } from '../../../core/errors.ts';
import type { PublishContext } from '../contract.ts';
import type { ControlPlane } from './control-plane.ts';
import type { Clock } from './key-store.ts';
import { LIMITS } from './limits.ts';
import { ServiceFault } from './service-errors.ts';

/** Which pages the edge is made to forget: those that changed, the site as one path, or none (they are soon stale). */
export type InvalidationMode = 'paths' | 'site' | 'none';

const SITE = /^site\//;
const BUSY_PAUSE_MS = 30_000;
const MOST_BUSY_MS = 1_800_000;

/**
 * The URL paths under which files of a release are kept at the edge: the site's, whose pages lie under their own names
 * and `index.html` under its folder too. Maps are not kept there.
 */
export function urlPaths(files: readonly string[], mode: InvalidationMode): string[] {
  const pages = files.filter((file) => SITE.test(file));
  if (mode === 'none' || pages.length === 0) return [];
  if (mode === 'site') return ['/site/*'];
  return pages.flatMap((file) => {
    const path = `/${file.split('/').map(encodeURIComponent).join('/')}`;
    return path.endsWith('/index.html') ? [path.slice(0, -'index.html'.length), path] : [path];
  });
}

/** Has the distribution forget the paths, as many at once as may be under way. */
export async function invalidate(
  control: ControlPlane,
  distribution: string,
  paths: readonly string[],
  releaseId: string,
  clock: Clock,
  context: PublishContext,
): Promise<void> {
  const { signal } = context;
  // A rollback has the release's id too, and must not be taken for what was done then.
  const reference = `${releaseId}-${clock.nowMs()}`;
  const task = context.progress.start('invalidate', paths.length, 'paths');
  try {
    for (let first = 0; first < paths.length; first += LIMITS.pathsInProgress) {
      const batch = paths.slice(first, first + LIMITS.pathsInProgress);
      await whenFree(() => control.invalidate(distribution, batch, `${reference}-${first}`, signal), clock, context);
      task.advance(batch.length);
    }
  } finally {
    task.end();
  }
}

/** Waits while too many paths are under way. */
async function whenFree(work: () => Promise<void>, clock: Clock, { signal }: PublishContext): Promise<void> {
  const startedAtMs = clock.nowMs();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isBusy = error instanceof ServiceFault && error.code === 'TooManyInvalidationsInProgress';
      if (!isBusy || clock.nowMs() - startedAtMs > MOST_BUSY_MS) throw error;
    }
    await clock.sleep(BUSY_PAUSE_MS, signal);
    if (signal.aborted) throw new RunError('interrupted; what was done is kept');
  }
}
