import { encodeMask, META_KEY, MOST_CANDIDATES, tableKey } from '../../../core/edge-keys.ts';
import { parseEdgeKey } from '../../../core/key-kinds.ts';
import type { Viewer } from './event.ts';

/**
 * Tables of our own that make the function spell what its look-up gives. Each names six made-up mirrors, and which of them
 * "hold" a class are six bits of the class's codeword; so those whom it lists are the class, letter by letter.
 */

const BITS = 2 * MOST_CANDIDATES;
const HALF = (1 << MOST_CANDIDATES) - 1;
const ALL = (1 << BITS) - 1;

/**
 * Half of the bits of each are set. So no codeword is part of another: of a link whose target is of another class the
 * list names some mirror for the target alone, and nothing that is asked leaves nobody to be named.
 */
const CODEWORDS: readonly number[] = Array.from({ length: ALL }, (_, word) => word).filter(
  (word) => bitsIn(word) === MOST_CANDIDATES && (word & HALF) !== 0 && word >> MOST_CANDIDATES !== 0,
);
/** No class id is so high. */
export const SPELLED_CLASSES = CODEWORDS.length + 1;
const CLASS_OF: ReadonlyMap<number, number> = new Map([[0, 0], ...CODEWORDS.map((word, i) => [word, i + 1] as const)]);

function bitsIn(word: number): number {
  return word === 0 ? 0 : (word & 1) + bitsIn(word >> 1);
}

/** The n-th stands for bit n of a codeword. */
export const SPELLED_URLS: readonly string[] = Array.from({ length: BITS }, (_, bit) => `https://${rootOf(bit)}`);

function rootOf(bit: number): string {
  return `bit-${bit}.invalid/`;
}

/** Who is to be asked for the bits of a codeword, and who for those that are not set in it. */
export const SPELLERS: readonly Viewer[] = spellers(['XA', 'XB']);
export const COUNTER_SPELLERS: readonly Viewer[] = spellers(['XC', 'XD']);

/** Of codes that ISO 3166-1 gives to nobody. */
function spellers(countries: readonly string[]): Viewer[] {
  return countries.map((country) => ({ country, subdivision: '', scheme: 'https', ip: '192.0.2.1' }));
}

/** What the spellers were told: the mirrors that hold the object itself, and those that hold what its link leads to, as bits. */
export interface Spelled {
  readonly own: number;
  readonly alias: number;
}

/** The object's class; undefined = no class is spelled so. */
export function spelledClass({ own }: Spelled): number | undefined {
  return CLASS_OF.get(own);
}

/** The class of what a link leads to; `counter` is what the counter-spellers were told. */
export function spelledAlias({ own, alias }: Spelled, counter: Spelled): number | undefined {
  // Of its bits, those that the link's class has too are named for the link. They are those that are not missing.
  return CLASS_OF.get(alias | (own & ~counter.alias));
}

/** The look-up of the keys as it is, between a `meta` without zones and the tables of the spellers. */
export function spellingKeys(keys: ReadonlyMap<string, string>): Map<string, string> {
  const spelling = new Map([...keys].filter(([key]) => parseEdgeKey(key)?.kind === 'bucket'));
  const fields = (keys.get(META_KEY) ?? '').split(' ');
  const epoch = fields[1];
  if (fields.length !== META_FIELDS || epoch === undefined) return spelling;
  const up = 'f'.repeat(BITS / 4);
  spelling.set(META_KEY, [...fields.slice(0, 5), up, '', 'h'].join(' '));
  for (const [i, { country }] of [...SPELLERS, ...COUNTER_SPELLERS].entries()) {
    const flip = i < SPELLERS.length ? 0 : ALL;
    const firstBit = (i % SPELLERS.length) * MOST_CANDIDATES;
    spelling.set(tableKey(epoch, country, 's', 0), spellingTable(firstBit, flip));
  }
  return spelling;
}

const META_FIELDS = 8;

function spellingTable(firstBit: number, flip: number): string {
  const lines = Array.from({ length: MOST_CANDIDATES }, (_, i) => {
    return `${(firstBit + i).toString(36)} 0 1 46 ${rootOf(firstBit + i)}`;
  });
  const masks = CODEWORDS.map((word) => encodeMask(((word ^ flip) >> firstBit) & HALF));
  return [...lines, `${encodeMask(0)}${masks.join('')}`].join('\n');
}
