import { BoundedNotes } from '../../core/bounded-notes.ts';
import { quoted } from '../../core/errors.ts';
import { ObjectType } from '../../core/inventory.ts';
import type { ObjectPath } from '../../core/path.ts';
import { entriesBeneathLinks } from './beneath-links.ts';
import { byPath, type ResolvedEntry, type TreeEntry } from './entry.ts';
import { followLink } from './follow-link.ts';

/**
 * The tree as viewers see it, sorted by path: every link with the end of its chain, and what lies beneath links to
 * directories (`entriesBeneathLinks`). Links without an end in the tree are left out; `notes` names them.
 */
export function resolveTree(
  tree: ReadonlyMap<ObjectPath, TreeEntry>,
  maxBeneathLinks = 200_000,
): { entries: ResolvedEntry[]; notes: string[] } {
  const notes = new BoundedNotes();
  const entries: ResolvedEntry[] = [];
  for (const entry of [...tree.values()].sort(byPath)) {
    const end = entry.type === ObjectType.symlink ? followLink(tree, entry) : entry;
    if (typeof end === 'string') {
      notes.add(`links ${end}`, `links ${end}, left out: ${quoted(entry.path)} -> ${quoted(entry.target)}`);
    } else {
      const { path, type, mtimeS, target } = entry;
      entries.push({ path, type, sizeBytes: end.sizeBytes, mtimeS, target, leadsTo: end.path });
    }
  }
  const beneath = entriesBeneathLinks(entries, maxBeneathLinks, notes);
  return { entries: beneath.length === 0 ? entries : entries.concat(beneath).sort(byPath), notes: notes.lines() };
}
