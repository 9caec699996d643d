/** Bounds of a size in bytes: equal where it is exact, 0 and Infinity where none is told. */
export interface SizeRange {
  readonly minBytes: number;
  readonly maxBytes: number;
}

export const NO_SIZE: SizeRange = { minBytes: 0, maxBytes: Number.POSITIVE_INFINITY };

const SIZE = /^(\d{1,15})(?:\.(\d{1,3}))?\s*(?:([KMGTPE])(i?)(B?)|B|bytes?)?$/i;
const AFTER_TIME = /^\s*\S{8,11}\s+\d\d:\d\d(?::\d\d)?\s+(\d[\d.]*\s?[KMGTPE]?i?B?)(?=\s|$)/i;
const UNITS = 'KMGTPE';

/**
 * Reads a size as index pages show it: `12345`, `972 B`, `1.2K`, `19.6 KiB`. A number without a unit counts bytes.
 * One with a unit was rounded up, down or to the nearest, as the server likes: the truth is within one of its last
 * digits. `MB` may stand for 1,000 or for 1,024 times as much as `kB`.
 */
export function listedSize(text: string): SizeRange {
  const match = SIZE.exec(text.trim());
  if (match === null) return NO_SIZE;
  const [, whole, decimals = '', unit, binary, byte] = match;
  const value = Number(`${whole}.${decimals}`);
  if (unit === undefined) return decimals === '' ? { minBytes: value, maxBytes: value } : NO_SIZE;
  const power = UNITS.indexOf(unit.toUpperCase()) + 1;
  const step = 10 ** -decimals.length;
  const base = byte !== '' && binary === '' ? 1000 : 1024;
  return {
    minBytes: Math.max(0, Math.floor((value - step) * base ** power)),
    maxBytes: Math.ceil((value + step) * 1024 ** power),
  };
}

/** The size in what a preformatted page writes behind a link: a date, a time, the size, perhaps a description. */
export function sizeAfterTime(text: string): SizeRange {
  const size = AFTER_TIME.exec(text)?.[1];
  return size === undefined ? NO_SIZE : listedSize(size);
}
