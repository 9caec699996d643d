import { decodeNumber, encodeNumber, RADIX } from './edge-keys.ts';

/**
 * How a path is looked up in a bucket: what the builder writes so that the edge finds it. docs/formats.md describes it.
 * This file runs at the edge: only what cloudfront-js-2.0 has.
 */

/**
 * A path as a member of a family: `distfiles/x` is number 0 of its own, and `distfiles/00/x` to `distfiles/ff/x` are 1 to
 * 256 of the same. One hash serves them all, and their records stand side by side: where a flat name leads, its
 * neighbour tells.
 */
export interface Member {
  /** The path that is hashed. */
  readonly name: string;
  readonly slot: number;
}

const SLOTS = 257;
const HASHED = /^(.*\/)?([0-9a-f]{2})\/([^/]+)(?!\n)$/;

export function memberOf(path: string): Member {
  const match = HASHED.exec(path);
  return match === null
    ? { name: path, slot: 0 }
    : { name: (match[1] || '') + match[3], slot: parseInt(match[2] as string, 16) + 1 };
}

/** The path of a flat name's member: `distfiles/x`, 172 → `distfiles/ab/x`. */
export function memberPath(name: string, slot: number): string {
  const at = name.lastIndexOf('/') + 1;
  const folder = '0' + (slot - 1).toString(16);
  return name.slice(0, at) + folder.slice(-2) + '/' + name.slice(at);
}

/** What a bucket tells of a path. */
export interface Found {
  readonly classId: number;
  /** The path is a directory's without its slash. */
  readonly lacksSlash: boolean;
  /** The member of its family that a flat name's link leads to; 0 = none that would help. */
  readonly aliasSlot: number;
  /** That member's class; 0 (nobody holds it) where there is none. */
  readonly aliasClassId: number;
}

/** Of a palette's entry: four times the class, plus these. */
export const LACKS_SLASH = 1;
export const HAS_ALIAS = 2;

/** How many families fit into records of `width` digits beside an index into a palette of `paletteSize` entries. */
export function fingerprintSpace(width: number, paletteSize: number): number {
  return Math.floor(RADIX ** width / paletteSize) - SLOTS;
}

/** A path's number in such a record; `hash` is that of its family. */
export function fingerprintOf(hash: number, slot: number, space: number): number {
  return (hash % space) + slot;
}

/**
 * `<record width><palette size, 2 digits><palette, 2 digits each><records>`. A record is
 * `fingerprint * palette size + palette index`, the records are sorted: numbers of equal width sort like texts.
 * Null where the path is not among them, or the text is none of this form.
 */
export function findInBucket(text: string, hash: number, slot: number): Found | null {
  const width = Number(text.charAt(0));
  const paletteSize = decodeNumber(text, 1, 2);
  const start = 3 + 2 * paletteSize;
  if (
    !(width >= 1 && width <= 8) ||
    !(paletteSize >= 1) ||
    text.length < start ||
    (text.length - start) % width !== 0
  ) {
    return null;
  }
  const first = fingerprintOf(hash, slot, fingerprintSpace(width, paletteSize)) * paletteSize;
  const lowest = encodeNumber(first, width);
  let low = 0;
  let high = (text.length - start) / width;
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = start + middle * width;
    if (text.slice(at, at + width) < lowest) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const at = start + low * width;
  const index = decodeNumber(text, at, width) - first;
  if (!(index >= 0 && index < paletteSize)) {
    return null;
  }
  const value = decodeNumber(text, 3 + 2 * index, 2);
  const next = decodeNumber(text, at + width, width) - first;
  const aliasSlot = Math.floor(next / paletteSize);
  const hasAlias = slot === 0 && (value & HAS_ALIAS) !== 0 && aliasSlot > 0 && aliasSlot < SLOTS;
  return {
    classId: value >> 2,
    lacksSlash: (value & LACKS_SLASH) !== 0,
    aliasSlot: hasAlias ? aliasSlot : 0,
    aliasClassId: hasAlias ? decodeNumber(text, 3 + 2 * (next % paletteSize), 2) >> 2 : 0,
  };
}

/** Of every record in a bucket: the class of its objects. Empty where the text is none of a bucket's form. */
export function classIdsIn(text: string): number[] {
  const width = Number(text.charAt(0));
  const paletteSize = decodeNumber(text, 1, 2);
  const classIds: number[] = [];
  if (width >= 1 && paletteSize >= 1) {
    for (let at = 3 + 2 * paletteSize; at + width <= text.length; at += width) {
      const index = decodeNumber(text, at, width) % paletteSize;
      classIds.push(decodeNumber(text, 3 + 2 * index, 2) >> 2);
    }
  }
  return classIds;
}
