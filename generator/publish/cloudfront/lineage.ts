import { CANDIDATE_LINE, decodeMask } from '../../../core/edge-keys.ts';
import { parseEdgeKey } from '../../../core/key-kinds.ts';
import { classIdsIn } from '../../../core/look-up.ts';
import { bucketCountOf, epochOf, type Keys } from './keys.ts';

/**
 * How keys that a store holds and those that are wanted go together. Builds that continue one another keep the access
 * points' numbers, and use a class id again only when it has meant nobody for hours (generator/maps/class-ids.ts).
 * Two builds that both continued the same third one, or a first build with an empty output folder, give the same
 * numbers other meanings; so does a build that comes long after the last publication, to a few class ids.
 */
export interface Mixing {
  /** Why no key of the one may be read beside one of the other, in a sentence; null = they may. */
  readonly conflict: string | null;
  /** The classes by which buckets of the one mean others than tables or lists of holders of the other. */
  readonly unsafe: ReadonlySet<number>;
}

/** So large a part of the objects may be of unsafe classes: builds of one line are far below, others mostly above. */
const MOST_UNSAFE = 0.01;

/** What one side's keys say. Points are named `<s or h><number>`. */
interface Side {
  /** By point: its URL root. */
  readonly roots: Map<string, string>;
  /** By class that some bucket uses: how many records do. */
  readonly used: Map<number, number>;
  readonly tables: readonly { readonly points: readonly string[]; readonly masks: string }[];
  readonly lists: readonly { readonly points: readonly string[]; readonly classId: number }[];
}

/**
 * Compares what the keys of one epoch say. A class is unsafe where a bucket of the one side uses it, and the other side
 * names a holder that this side's tables have, but never for this class. Only whom some table of both sides names can
 * be compared. A store that a cut publication left says less than it could: then a class may count as unsafe that is not.
 */
export function mixingOf(stored: Keys, wanted: Keys): Mixing {
  const none = { conflict: null, unsafe: new Set<number>() };
  const epoch = epochOf(wanted);
  if (epoch === null) return none;
  if (epochOf(stored) === epoch && bucketCountOf(stored) !== bucketCountOf(wanted)) {
    return { ...none, conflict: `it has ${bucketCountOf(stored)} buckets, the build ${bucketCountOf(wanted)}` };
  }
  const [old, next] = [sideOf(stored, epoch), sideOf(wanted, epoch)];
  for (const [point, root] of next.roots) {
    if ((old.roots.get(point) ?? root) !== root) {
      return { ...none, conflict: `an access point's number is that of another one` };
    }
  }
  const unsafe = new Set([...misled(old, next), ...misled(next, old)]);
  const share = Math.max(shareOf(old, unsafe), shareOf(next, unsafe));
  if (share <= MOST_UNSAFE) return { conflict: null, unsafe };
  return { unsafe, conflict: `classes of ${(share * 100).toFixed(1)} % of the objects have other holders` };
}

function sideOf(keys: Keys, epoch: string): Side {
  const roots = new Map<string, string>();
  const used = new Map<number, number>();
  const tables: { points: string[]; masks: string }[] = [];
  const lists: { points: string[]; classId: number }[] = [];
  for (const [key, value] of keys) {
    const parsed = parseEdgeKey(key);
    if (parsed === null || parsed.kind === 'meta' || parsed.epoch !== epoch) continue;
    if (parsed.kind === 'bucket') {
      for (const classId of classIdsIn(value)) used.set(classId, (used.get(classId) ?? 0) + 1);
      continue;
    }
    const lines = value.split('\n');
    const masks = lines.pop() ?? '';
    const points = lines.map((line) => {
      const [, number = '', , , , root = ''] = CANDIDATE_LINE.exec(line) ?? [];
      roots.set(parsed.scheme + number, root);
      return parsed.scheme + number;
    });
    if (parsed.kind === 'table') tables.push({ points, masks });
    else lists.push({ points, classId: parsed.classId });
  }
  used.delete(0);
  return { roots, used, tables, lists };
}

/** The classes that buckets of `from` use, for which `to` names somebody who does not hold them by `from`'s tables. */
function misled(from: Side, to: Side): number[] {
  const compared = new Set(from.tables.flatMap(({ points }) => points));
  return [...from.used.keys()].filter((classId) => {
    const holders = holdersOf(from, classId);
    return [...holdersOf(to, classId)].some((point) => compared.has(point) && !holders.has(point));
  });
}

function holdersOf({ tables, lists }: Side, classId: number): Set<string> {
  const holders = new Set<string>();
  for (const { points, masks } of tables) {
    const mask = decodeMask(masks, classId);
    for (const [bit, point] of points.entries()) if ((mask >> bit) & 1) holders.add(point);
  }
  for (const { points, classId: listed } of lists) {
    if (listed === classId) for (const point of points) holders.add(point);
  }
  return holders;
}

function shareOf({ used }: Side, classIds: ReadonlySet<number>): number {
  let [all, some] = [0, 0];
  for (const [classId, count] of used) {
    all += count;
    if (classIds.has(classId)) some += count;
  }
  return all === 0 ? 0 : some / all;
}
