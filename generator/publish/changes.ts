import type { Publication, ReleaseManifest } from './contract.ts';

/** Paths whose bytes in `now` are not those of one of `before`, or that are gone. Sorted. */
export function changedPaths(before: readonly ReleaseManifest[], now: ReleaseManifest): string[] {
  const present = new Map(now.files.map(({ path, sha256 }) => [path, sha256]));
  const changed = new Set<string>();
  for (const { files } of before) {
    const past = new Map(files.map(({ path, sha256 }) => [path, sha256]));
    for (const [path, sha256] of past) if (present.get(path) !== sha256) changed.add(path);
    for (const path of present.keys()) if (!past.has(path)) changed.add(path);
  }
  return [...changed].sort();
}

/**
 * The releases whose files a target may still show: that of the last publication that was done there, and those of all
 * that began since. Null = nothing was ever done there, so anything may be.
 */
export function shownSince(
  log: readonly Publication[],
  releases: readonly ReleaseManifest[],
  target: string,
): ReleaseManifest[] | null {
  const last = log.findLastIndex(({ state, targets }) => state === 'done' && targets.includes(target));
  if (last < 0) return null;
  const ids = new Set(log.slice(last).map(({ releaseId }) => releaseId));
  const known = releases.filter(({ id }) => ids.has(id));
  return known.length === ids.size ? known : null;
}

/** The release of the last publication that was done; null = none was. */
export function lastDone(log: readonly Publication[], releases: readonly ReleaseManifest[]): ReleaseManifest | null {
  const id = log.findLast(({ state }) => state === 'done')?.releaseId;
  return releases.find((one) => one.id === id) ?? null;
}

/**
 * Where `rollback` goes by itself: the newest release before the current one that was published to its end, and never
 * withdrawn. Null = there is none.
 */
export function previousRelease(
  log: readonly Publication[],
  releases: readonly ReleaseManifest[],
  currentId: string | null,
): ReleaseManifest | null {
  const inState = (state: Publication['state']) =>
    new Set(log.filter((one) => one.state === state).map(({ releaseId }) => releaseId));
  const [done, withdrawn] = [inState('done'), inState('withdrawn')];
  const older = releases.filter(
    ({ id }) => done.has(id) && !withdrawn.has(id) && (currentId === null || id < currentId),
  );
  return older.reduce<ReleaseManifest | null>((best, one) => (best === null || one.id > best.id ? one : best), null);
}
