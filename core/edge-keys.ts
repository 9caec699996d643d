/**
 * The keys of the edge's key-value store and the numbers in their values: what the builder writes and the edge reads.
 * docs/formats.md describes them with an example. This file runs at the edge: only what cloudfront-js-2.0 has.
 */

/** Digits 0 to 93 are the characters `!` to `~`: printable, no space, each one byte of the store's quota. */
export const RADIX = 94;
const FIRST_CHARACTER = 33;
/** There are no more presence classes: a table has a character for each, half of a value. */
export const MOST_CLASSES = 512;
/** One key that changes every few minutes: which access points are up, which epoch counts. */
export const META_KEY = 'meta';
/** Its first field. A function that knows another version has no map and sends everybody to the fallback. */
export const META_VERSION = '3';

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

export function bucketKey(epoch: string, bucket: number): string {
  return epoch + bucket.toString(36);
}

/**
 * A zone's table. `scheme` is `s` for https, `h` for http; `zone` is the code of the region that gives the
 * zone its name: an ISO 3166-1 or 3166-2 code, or `DEFAULT_REGION`; or `privateZoneOf`'s.
 */
export function tableKey(epoch: string, zone: string, scheme: string, shard: number): string {
  return 'r' + epoch + zone + scheme + shard;
}

export function classKey(epoch: string, scheme: string, classId: number): string {
  return 'c' + epoch + scheme + classId.toString(36);
}

/** Viewers of whom nothing is known. Not an ISO code. */
export const DEFAULT_REGION = '--';

/** A table has at most so many candidates: a bit each of a mask that is one character, `0` (none) to `o` (all six). */
export const MOST_CANDIDATES = 6;
const FIRST_MASK = 48;

export function encodeMask(mask: number): string {
  return String.fromCharCode(FIRST_MASK + mask);
}

/** The mask at a place of a text; 0 where there is none. */
export function decodeMask(text: string, at: number): number {
  const mask = text.charCodeAt(at) - FIRST_MASK;
  return mask > 0 && mask < 1 << MOST_CANDIDATES ? mask : 0;
}

/** A digit tells how many a zone has. */
const MOST_SHARDS = 8;

/** Regions that share a table are a zone; a zone's viewers are dealt to its shards by a hash of their network. */
export interface Zone {
  readonly name: string;
  readonly shards: number;
}

/**
 * A zone as `meta` lists it: the codes of its regions, its name first, then the number of its shards where that is not
 * 1: `GFGPMQ2`; the parts of one country as `US-CA-OR`. A country that is not listed is a zone of its own with one
 * shard; a part that is not listed belongs to its country's.
 */
export function zoneOf(list: string, country: string, subdivision: string): Zone {
  let zone: Zone = { name: country, shards: 1 };
  // A search is native code, and some fifty times cheaper at the edge than a look at each zone.
  for (let at = list.indexOf(country); at >= 0; at = list.indexOf(country, at + 1)) {
    const start = list.lastIndexOf(',', at) + 1;
    const comma = list.indexOf(',', at);
    const end = comma < 0 ? list.length : comma;
    const digit = list.charCodeAt(end - 1) - 48;
    const shards = digit >= 2 && digit <= MOST_SHARDS ? digit : 1;
    const parts = list.slice(start + 2, shards > 1 ? end - 1 : end);
    if (parts.charAt(0) !== '-') {
      if ((at - start) % 2 === 0) {
        zone = { name: list.slice(start, start + 2), shards: shards };
      }
    } else if (at === start && (parts + '-').indexOf('-' + subdivision + '-') >= 0) {
      return { name: country + '-' + (parts.split('-')[1] as string), shards: shards };
    }
  }
  return zone;
}

/** The /24 of an IPv4 address as `192.0.2.`, the /56 of an IPv6 address as 14 hex digits. */
export function networkOf(ip: string): string {
  if (ip.indexOf(':') < 0) {
    return ip.slice(0, ip.lastIndexOf('.') + 1);
  }
  const halves = ip.toLowerCase().split('::');
  let groups = (halves[0] as string).split(':');
  if (halves.length > 1) {
    const tail = (halves[1] as string).split(':');
    while (groups.length + tail.length < 8) {
      groups.push('0');
    }
    groups = groups.concat(tail);
  }
  return groups
    .slice(0, 4)
    .map(function (group) {
      return ('000' + (group || '0')).slice(-4);
    })
    .join('')
    .slice(0, 14);
}

/**
 * The zone of those who share the longest prefix of a viewer's network that mirrors serve alone, as `192.0.2.*`; ''
 * where there is none. The prefixes stand before all zones of `meta`, as `,192.0.2.,20010db80001,`.
 */
export function privateZoneOf(list: string, network: string): string {
  if (list.charAt(0) === ',') {
    for (let length = Math.min(network.length, 14); length > 0; length--) {
      const prefix = network.slice(0, length);
      if (list.indexOf(',' + prefix + ',') >= 0) {
        return prefix + '*';
      }
    }
  }
  return '';
}

/**
 * A candidate in a table: number in base 36, tier, weight, IP families (`4`, `6`, `46`), then the URL root without its
 * scheme. What is not of this form is no candidate, so a redirect can only name a host, a port and a path.
 */
export const CANDIDATE_LINE =
  /^([0-9a-z]+) (\d+) (\d+(?:\.\d+)?) (4|6|46) ((?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?\/(?:[A-Za-z0-9._~/!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)(?!\n)$/;
