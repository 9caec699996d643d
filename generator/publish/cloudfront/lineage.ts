import { CANDIDATE_LINE, decodeMask, META_KEY } from '../../../core/edge-keys.ts';
import { parseEdgeKey } from '../../../core/key-kinds.ts';
import { epochOf, type Keys } from './key-plan.ts';

/**
 * Old and new keys of one epoch may mix only if its numbers mean the same in both: access points keep their numbers,
 * and a class of objects its holders. Builds that continue one another keep to that. Two builds that both continued the
 * same third one, or a first build with an empty output folder, give the same numbers other meanings.
 */
interface Meanings {
  /** By `<s or h><number>`: the URL root. */
  readonly roots: Map<string, string>;
  /** `<class> <s or h><number>`: this access point holds the objects of that class; or, in another set, it does not. */
  readonly holds: Set<string>;
  readonly lacks: Set<string>;
}

/**
 * Says in a sentence what the keys of a store and those that are wanted mean differently; null = they can mix. Only what
 * some key says of both can be compared; where two builds differ, some table shows it.
 */
export function conflictOf(stored: Keys, wanted: Keys): string | null {
  const epoch = epochOf(wanted);
  if (epoch === null) return null;
  if (epochOf(stored) === epoch && bucketCountOf(stored) !== bucketCountOf(wanted)) {
    return `it has ${bucketCountOf(stored)} buckets, the build ${bucketCountOf(wanted)}`;
  }
  // The wanted keys are all of one build, so a mask that is not there says that nobody of the table holds the class.
  const [old, next] = [meaningsOf(stored, epoch, false), meaningsOf(wanted, epoch, true)];
  for (const [point, root] of next.roots) {
    const before = old.roots.get(point);
    if (before !== undefined && before !== root) return `an access point's number is that of another one`;
  }
  for (const fact of old.holds) if (next.lacks.has(fact)) return 'a class of objects has other holders';
  for (const fact of next.holds) if (old.lacks.has(fact)) return 'a class of objects has other holders';
  return null;
}

function bucketCountOf(keys: Keys): string {
  return (keys.get(META_KEY) ?? '').split(' ')[2] ?? '';
}

function meaningsOf(keys: Keys, epoch: string, isWhole: boolean): Meanings {
  const meanings: Meanings = { roots: new Map(), holds: new Set(), lacks: new Set() };
  const tables: { numbers: string[]; masks: string }[] = [];
  for (const [key, value] of keys) {
    const parsed = parseEdgeKey(key);
    if (parsed === null || parsed.kind === 'meta' || parsed.kind === 'bucket' || parsed.epoch !== epoch) continue;
    const lines = value.split('\n');
    const masks = lines.pop() ?? '';
    const numbers = lines.map((line) => {
      const [, number = '', , , , root = ''] = CANDIDATE_LINE.exec(line) ?? [];
      meanings.roots.set(parsed.scheme + number, root);
      return parsed.scheme + number;
    });
    if (parsed.kind === 'table') tables.push({ numbers, masks });
    else for (const number of numbers) meanings.holds.add(`${parsed.classId} ${number}`);
  }
  const classes = Math.max(0, ...tables.map(({ masks }) => masks.length));
  for (const { numbers, masks } of tables) {
    const length = isWhole ? classes : masks.length;
    for (let classId = 0; classId < length; classId++) {
      const mask = decodeMask(masks, classId);
      numbers.forEach((number, bit) => {
        ((mask >> bit) & 1 ? meanings.holds : meanings.lacks).add(`${classId} ${number}`);
      });
    }
  }
  return meanings;
}
