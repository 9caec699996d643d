import type { BoundedNotes } from '../../core/bounded-notes.ts';
import { quoted } from '../../core/errors.ts';
import { ObjectType } from '../../core/inventory.ts';
import type { ObjectPath } from '../../core/path.ts';
import type { ResolvedEntry } from './entry.ts';

/**
 * People ask for paths beneath a link to a directory (`autobuilds/current-stage3-amd64/stage3.tar.xz`), so everything
 * beneath that directory is an object beneath the link's path too: a symlink to the real object, whose target is
 * written as the way from its own directory. No listing shows such an object, so a checker proves it by a HEAD of its
 * own (`beneathLinks` in core/inventory.ts tells which they are).
 *
 * A link to a directory that is found beneath another is an object too, but nothing is made beneath it: links that
 * lead upwards would never end. A link that would bring the total above `maxEntries` is named in `notes` and gets
 * nothing beneath it. `entries` are the whole tree, sorted by path.
 */
export function entriesBeneathLinks(
  entries: readonly ResolvedEntry[],
  maxEntries: number,
  notes: BoundedNotes,
): ResolvedEntry[] {
  const directories = new Set<ObjectPath>();
  for (const { type, path } of entries) if (type === ObjectType.directory) directories.add(path);
  const made: ResolvedEntry[] = [];
  for (const link of entries) {
    if (link.type !== ObjectType.symlink || !directories.has(link.leadsTo)) continue;
    const [start, end] = rangeBeneath(entries, link.leadsTo);
    if (made.length + end - start > maxEntries) {
      notes.add(
        'links to directories are too many to list what is beneath them',
        `nothing is listed beneath ${quoted(link.path)}: with its ${end - start} objects there would be more than ${maxEntries}`,
      );
      continue;
    }
    for (let i = start; i < end; i++) made.push(seenThrough(link, entries[i] as ResolvedEntry));
  }
  return made;
}

/** Where the entries beneath a directory stand: from the first, up to but without the second. */
function rangeBeneath(entries: readonly ResolvedEntry[], directory: ObjectPath): [number, number] {
  // "0" follows "/", so all paths that begin with "directory/" lie between the two. The root itself comes first.
  return directory === ''
    ? [1, entries.length]
    : [firstNotBefore(entries, `${directory}/`), firstNotBefore(entries, `${directory}0`)];
}

function firstNotBefore(entries: readonly ResolvedEntry[], path: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as ResolvedEntry).path < path) low = middle + 1;
    else high = middle;
  }
  return low;
}

function seenThrough(link: ResolvedEntry, real: ResolvedEntry): ResolvedEntry {
  const rest = link.leadsTo === '' ? real.path : real.path.slice(link.leadsTo.length + 1);
  const path = `${link.path}/${rest}`;
  const { sizeBytes, mtimeS, leadsTo } = real;
  return { path, type: ObjectType.symlink, sizeBytes, mtimeS, target: relativeTarget(path, real.path), leadsTo };
}

/** The way from the directory of `from` to `to`, as one would write it in a link. */
export function relativeTarget(from: ObjectPath, to: ObjectPath): string {
  const above = from.split('/').slice(0, -1);
  const segments = to.split('/');
  let common = 0;
  while (common < above.length && common < segments.length - 1 && above[common] === segments[common]) common++;
  return '../'.repeat(above.length - common) + segments.slice(common).join('/');
}
