/**
 * The keys of the edge's key-value store and the numbers in their values: what the builder writes and the edge reads.
 * docs/formats.md describes them with an example. This file runs at the edge: only what cloudfront-js-2.0 has.
 */

/** Digits 0 to 93 are the characters `!` to `~`: printable, no space, each one byte of the store's quota. */
export const RADIX = 94;
const FIRST_CHARACTER = 33;
/** Classes a page of a region's table covers. */
export const CLASSES_PER_PAGE = 256;
/** One key that changes every few minutes: which access points are up, which epoch counts. */
export const META_KEY = 'meta';

export function encodeNumber(value: number, width: number): string {
  let text = '';
  let rest = value;
  for (let i = 0; i < width; i++) {
    text = String.fromCharCode(FIRST_CHARACTER + (rest % RADIX)) + text;
    rest = Math.floor(rest / RADIX);
  }
  return text;
}

export function decodeNumber(text: string, start: number, width: number): number {
  let value = 0;
  for (let i = start; i < start + width; i++) {
    value = value * RADIX + text.charCodeAt(i) - FIRST_CHARACTER;
  }
  return value;
}

/** How many fingerprints fit into records of `width` digits beside an index into a palette of `paletteSize` entries. */
export function fingerprintSpace(width: number, paletteSize: number): number {
  return Math.floor(RADIX ** width / paletteSize);
}

export function bucketKey(epoch: string, bucket: number): string {
  return epoch + bucket.toString(36);
}

/** `scheme` is `s` for https, `h` for http; `region` an ISO 3166-1 code or `DEFAULT_REGION`. */
export function regionKey(epoch: string, region: string, scheme: string, page: number): string {
  return 'r' + epoch + region + scheme + page.toString(36);
}

export function classKey(epoch: string, scheme: string, classId: number): string {
  return 'c' + epoch + scheme + classId.toString(36);
}

/** Viewers of whom nothing is known. Not an ISO code. */
export const DEFAULT_REGION = '--';

/** A page has at most so many candidates: a bit each of a mask of two hex digits. */
export const MOST_CANDIDATES = 8;

/**
 * A candidate in a table: number in base 36, tier, weight, IP families (`4`, `6`, `46`), then the URL root without its
 * scheme. What is not of this form is no candidate, so a redirect can only name a host, a port and a path.
 */
export const CANDIDATE_LINE =
  /^([0-9a-z]+) (\d+) (\d+(?:\.\d+)?) (4|6|46) ((?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?\/(?:[A-Za-z0-9._~/!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)$/;
