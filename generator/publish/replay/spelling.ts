import { classKey, encodeMask, META_KEY, MOST_CANDIDATES, MOST_CLASSES, tableKey } from '../../../core/edge-keys.ts';
import { parseEdgeKey } from '../../../core/key-kinds.ts';
import { Roots } from './claims.ts';
import type { Viewer } from './event.ts';

/**
 * Tables of our own that make the function spell what its look-up gives. At one of them nobody holds anything, so a holder
 * world-wide is named: for each class another one, which is in no other table. Of a link that is answered with its target
 * that tells the target's class. The link's own is told by two more tables, in which the n-th made-up mirror holds those
 * classes whose number has bit n set.
 */

/** Who is to be asked for an object's class, or for that of the target, where the answer names that. */
export const CLASS_SPELLER: Viewer = speller('XA');
/** Who are to be asked for the bits of a link's own class. */
export const BIT_SPELLERS: readonly Viewer[] = ['XB', 'XC'].map(speller);

/** Of a code that ISO 3166-1 gives to nobody. */
function speller(country: string): Viewer {
  return { country, subdivision: '', scheme: 'https', ip: '192.0.2.1' };
}

const classRoot = (classId: number) => `class-${classId}.invalid/`;
const bitRoot = (bit: number) => `bit-${bit}.invalid/`;
export const BITS = BIT_SPELLERS.length * MOST_CANDIDATES;
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
const urls = (roots: readonly string[]) => roots.map((root) => `https://${root}`);

/** The roots that `CLASS_SPELLER` is sent to, numbered like the classes. */
export const CLASS_ROOTS = new Roots(urls(upTo(MOST_CLASSES).map(classRoot)));
/** Those of `BIT_SPELLERS`, numbered like the bits; behind them those of the classes, where no mirror holds either one. */
export const BIT_ROOTS = new Roots(urls([...upTo(BITS).map(bitRoot), ...upTo(MOST_CLASSES).map(classRoot)]));

const META_FIELDS = 8;

/** The keys' look-up as it is, between a `meta` without zones and the tables of the spellers. */
export function spellingKeys(keys: ReadonlyMap<string, string>): Map<string, string> {
  const spelling = new Map([...keys].filter(([key]) => parseEdgeKey(key)?.kind === 'bucket'));
  const fields = (keys.get(META_KEY) ?? '').split(' ');
  const epoch = fields[1];
  if (fields.length !== META_FIELDS || epoch === undefined) return spelling;
  const up = 'f'.repeat(BITS / 4);
  spelling.set(META_KEY, [...fields.slice(0, 5), up, '', 'h'].join(' '));
  spelling.set(tableKey(epoch, CLASS_SPELLER.country, 's', 0), '');
  for (const classId of upTo(MOST_CLASSES))
    spelling.set(classKey(epoch, 's', classId), `${line(0, classRoot(classId))}\n`);
  for (const [i, { country }] of BIT_SPELLERS.entries())
    spelling.set(tableKey(epoch, country, 's', 0), bitTable(i * MOST_CANDIDATES));
  return spelling;
}

function bitTable(firstBit: number): string {
  const lines = upTo(MOST_CANDIDATES).map((i) => line(firstBit + i, bitRoot(firstBit + i)));
  const masks = upTo(MOST_CLASSES).map((classId) => encodeMask((classId >> firstBit) % (1 << MOST_CANDIDATES)));
  return [...lines, masks.join('')].join('\n');
}

/** A candidate's: of both address families. */
function line(accessPoint: number, root: string): string {
  return `${accessPoint.toString(36)} 0 1 46 ${root}`;
}
