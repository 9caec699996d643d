import { classKey, META_KEY } from '../../../core/edge-keys.ts';
import { type EdgeKey, KINDS, parseEdgeKey } from '../../../core/key-kinds.ts';
import { classIdsIn } from '../../../core/look-up.ts';
import { epochOf, type Keys } from './keys.ts';

type Puts = readonly (readonly [key: string, value: string])[];

/** Keys that are put together. */
export interface Stage {
  readonly puts: Puts;
  /** Why every edge should have the stages before it first; null = it need not. */
  readonly settles: string | null;
}

/** A bucket that knows no path, or a list of holders that names nobody. */
const NOBODY = '-';
/**
 * While it is in the store, classes may be on their way over: who goes on from there first waits until every edge has what
 * was written. It is the list of holders of the class that nobody holds, so no viewer is led to it; nobody wants it, so it
 * is swept.
 */
const underWayKey = (epoch: string) => classKey(epoch, 's', 0);

/**
 * The ways from what a store holds to what is wanted, none of which leaves a mixture that answers wrong. Where nothing
 * speaks against it, all is put at once. Classes that the two mean differently (`unsafe`) come over in three stages: first
 * no table names anybody for them; then all buckets are the new ones; then tables name the new holders. The pointer to
 * another epoch comes when every edge has that epoch's keys.
 */
export function stagesOf(stored: Keys, wanted: Keys, unsafe: ReadonlySet<number>): Stage[] {
  const pointsElsewhere = stored.has(META_KEY) && epochOf(stored) !== epochOf(wanted);
  const stages: Stage[] = [];
  const now = new Map(stored);
  const add = (target: Keys, settles: string | null) => {
    const puts = difference(now, target);
    for (const [key, value] of puts) now.set(key, value);
    if (puts.length > 0) stages.push({ puts, settles });
  };
  const over = 'class numbers get another meaning';
  const first = stored.has(underWayKey(epochOf(wanted) ?? '')) ? over : null;
  if (unsafe.size > 0) {
    add(silenced(stored, wanted, unsafe), first);
    add(rebucketed(stored, wanted, unsafe), over);
  }
  const pieces = new Map([...wanted].filter(([key]) => !pointsElsewhere || key !== META_KEY));
  add(pieces, unsafe.size > 0 ? over : first);
  if (pointsElsewhere) add(wanted, 'a new epoch begins');
  return stages;
}

/** Pieces come before what points to them; -1 = none of redirector's keys. */
export function rankOf(key: string): number {
  const parsed = parseEdgeKey(key);
  return parsed === null ? -1 : KINDS.indexOf(parsed.kind);
}

function difference(stored: Keys, wanted: Keys): Puts {
  return [...wanted]
    .filter(([key, value]) => stored.get(key) !== value)
    .map((pair) => ({ pair, rank: rankOf(pair[0]) }))
    .sort((a, b) => a.rank - b.rank || (a.pair[0] < b.pair[0] ? -1 : 1))
    .map(({ pair }) => pair);
}

/** All tables, and all lists of holders, without anybody for these classes. */
function silenced(stored: Keys, wanted: Keys, unsafe: ReadonlySet<number>): Keys {
  const keys = new Map([[underWayKey(epochOf(wanted) as string), NOBODY]]);
  for (const [key, value, parsed] of both(stored, wanted)) {
    if (parsed.kind === 'table') keys.set(key, withoutHolders(value, unsafe));
    else if (parsed.kind === 'holders' && !unsafe.has(parsed.classId)) keys.set(key, value);
    else if (parsed.kind === 'holders' && stored.has(key)) keys.set(key, NOBODY);
  }
  return keys;
}

function withoutHolders(table: string, unsafe: ReadonlySet<number>): string {
  const start = table.lastIndexOf('\n') + 1;
  const masks = [...table.slice(start)].map((mask, classId) => (unsafe.has(classId) ? '0' : mask));
  return table.slice(0, start) + masks.join('').replace(/0+$/, '');
}

/** All wanted buckets; those that nobody wants any more, but that use these classes, are emptied. */
function rebucketed(stored: Keys, wanted: Keys, unsafe: ReadonlySet<number>): Keys {
  const keys = new Map<string, string>();
  for (const [key, value, parsed] of both(stored, wanted)) {
    if (parsed.kind !== 'bucket') continue;
    if (wanted.has(key)) keys.set(key, value);
    else if (classIdsIn(value).some((classId) => unsafe.has(classId))) keys.set(key, NOBODY);
  }
  return keys;
}

/** The keys of the wanted epoch, as they are wanted where they are, else as they are stored. */
function* both(stored: Keys, wanted: Keys): Generator<[string, string, Exclude<EdgeKey, { kind: 'meta' }>]> {
  const epoch = epochOf(wanted);
  for (const [key, value] of new Map([...stored, ...wanted])) {
    const parsed = parseEdgeKey(key);
    if (parsed !== null && parsed.kind !== 'meta' && parsed.epoch === epoch) yield [key, value, parsed];
  }
}
