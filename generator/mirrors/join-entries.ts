import { PROTOCOLS } from '../../core/mirror.ts';
import type { AccessPointUrl } from './access-point-url.ts';

/** An access point before its mirror has an id. */
export interface ReadAccessPoint extends AccessPointUrl {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly partial: boolean;
}

/** One mirror as one group of the list gives it. */
export interface ReadEntry {
  readonly name: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly points: readonly ReadAccessPoint[];
}

/** A mirror with all that its entries say. Nothing in it depends on the order of the entries. */
export interface JoinedMirror {
  readonly name: string;
  /** Sorted, none twice. */
  readonly countries: readonly string[];
  /** By preference of the protocol, then by URL; no URL twice. */
  readonly points: readonly ReadAccessPoint[];
}

/**
 * Joins entries that share a URL: an anycast mirror is listed under each of its countries. Entries without access
 * points are no mirrors.
 */
export function joinEntries(entries: readonly ReadEntry[]): JoinedMirror[] {
  // Disjoint sets: each entry points towards the one that stands for all it is joined with.
  const towards = entries.map((_, i) => i);
  const find = (i: number): number => {
    let at = i;
    for (let next = towards[at] as number; next !== at; next = towards[at] as number) {
      towards[at] = towards[next] as number;
      at = next;
    }
    return at;
  };
  const firstWith = new Map<string, number>();
  entries.forEach(({ points }, i) => {
    for (const { url } of points) {
      const other = firstWith.get(url);
      if (other === undefined) firstWith.set(url, i);
      else towards[find(i)] = find(other);
    }
  });
  const sets = new Map<number, ReadEntry[]>();
  entries.forEach((entry, i) => {
    if (entry.points.length === 0) return;
    const set = sets.get(find(i));
    if (set === undefined) sets.set(find(i), [entry]);
    else set.push(entry);
  });
  return [...sets.values()].map(joined);
}

function joined(entries: readonly ReadEntry[]): JoinedMirror {
  const points = new Map<string, ReadAccessPoint>();
  for (const point of entries.flatMap((entry) => entry.points)) {
    const known = points.get(point.url) ?? { ipv4: false, ipv6: false, partial: false };
    points.set(point.url, {
      ...point,
      ipv4: point.ipv4 || known.ipv4,
      ipv6: point.ipv6 || known.ipv6,
      partial: point.partial || known.partial,
    });
  }
  return {
    name: commonName(entries.map(({ name }) => name)),
    countries: [...new Set(entries.map(({ country }) => country))].sort(),
    points: [...points.values()].sort(byPreference),
  };
}

/** "OVHcloud (Anycast: Milan)" and "OVHcloud (Anycast: Sydney)" are OVHcloud. */
function commonName(names: readonly string[]): string {
  const distinct = new Set(names);
  const plain = distinct.size === 1 ? names : names.map((name) => name.replace(/ ?\(anycast:.*/i, ''));
  return [...plain].sort()[0] as string;
}

function byPreference(a: ReadAccessPoint, b: ReadAccessPoint): number {
  return PROTOCOLS.indexOf(a.protocol) - PROTOCOLS.indexOf(b.protocol) || (a.url < b.url ? -1 : 1);
}
