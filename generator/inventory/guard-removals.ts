import { RunError } from '../../core/errors.ts';
import { beneathLinks, type LoadedInventory } from '../../core/inventory.ts';
import type { ObjectPath } from '../../core/path.ts';

/** Fewer objects than these may all go at once: small trees are emptied by hand. */
const MAX_UNGUARDED_OBJECTS = 100;

/**
 * Throws RunError where more than half of what was known below a source's prefix would be marked as removed: more
 * likely an empty mount than a cleaned master. Objects below the prefix of none of the sources are guarded alike.
 * What lies beneath links is not counted: it goes and comes with the link.
 */
export function guardRemovals(
  previous: LoadedInventory,
  present: ReadonlySet<ObjectPath>,
  sources: readonly { readonly from: string; readonly prefix: ObjectPath }[],
): void {
  const deepestFirst = sources.toSorted((a, b) => b.prefix.length - a.prefix.length);
  const counts = [...deepestFirst.map(({ from }) => from), 'none of the sources'].map((from) => {
    return { from, known: 0, missing: 0 };
  });
  const made = beneathLinks(previous);
  previous.paths.forEach((path, id) => {
    if (previous.removedAtS[id] !== 0 || made[id] === 1) return;
    const at = deepestFirst.findIndex(({ prefix }) => isWithin(path, prefix));
    const count = counts[at < 0 ? deepestFirst.length : at] as (typeof counts)[number];
    count.known++;
    if (!present.has(path)) count.missing++;
  });
  for (const { from, known, missing } of counts) {
    if (known <= MAX_UNGUARDED_OBJECTS || missing * 2 <= known) continue;
    throw new RunError(
      `refusing to mark ${missing} of ${known} known objects of ${from} as removed; if they are gone for good, force it`,
    );
  }
}

function isWithin(path: ObjectPath, prefix: ObjectPath): boolean {
  return prefix === '' || path === prefix || path.startsWith(`${prefix}/`);
}
