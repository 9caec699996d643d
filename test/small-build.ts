import { countryOf } from '../core/countries.ts';
import type { ObjectTable } from '../core/formats/map-file.ts';
import { type Inventory, ObjectType } from '../core/inventory.ts';
import type { Protocol } from '../core/mirror.ts';
import { Outcome } from '../core/observations.ts';
import { buildMaps, type Maps } from '../generator/maps/build.ts';
import type { Evidence } from '../generator/maps/evidence.ts';
import { allRegions } from '../generator/maps/regions.ts';

export const NOW_MS = Date.UTC(2026, 6, 1);
export const FALLBACK = 'https://fallback.example.org/';

/** An inventory of plain files, with directories where a path ends in a slash. */
export function inventoryOf(paths: readonly string[]): Inventory {
  const count = paths.length;
  return {
    takenAtMs: NOW_MS,
    paths: paths.map((path) => path.replace(/\/$/, '')),
    types: Uint8Array.from(paths, (path) =>
      path.endsWith('/') || path === '' ? ObjectType.directory : ObjectType.file,
    ),
    sizeBytes: Float64Array.from(paths, (path) => (path.endsWith('/') ? -1 : 100)),
    mtimeS: new Float64Array(count),
    targets: paths.map(() => ''),
    leadsTo: Int32Array.from(paths, (_, id) => id),
    firstSeenS: new Uint32Array(count),
    removedAtS: new Uint32Array(count),
  };
}

/** What there is to say of a mirror's access point. */
export interface SmallPoint {
  readonly host: string;
  readonly country: string;
  readonly protocol: Protocol;
  /** Whether it has the object of that id. */
  readonly holds: (id: number) => boolean;
  readonly state?: 'up' | 'down';
  readonly drained?: boolean;
  readonly ipv6?: boolean;
  readonly weight?: number;
  readonly networks?: readonly string[];
}

/** Evidence of an access point that holds some of `count` objects. */
export function evidenceOf(count: number, options: SmallPoint): Evidence {
  const { host, country, protocol, holds, state = 'up' } = options;
  const { latitude, longitude } = countryOf(country) as NonNullable<ReturnType<typeof countryOf>>;
  const accessPoint = {
    id: `${host}.${protocol}`,
    mirrorId: host,
    protocol,
    url: `${protocol}://${host}/gentoo/`,
    ipv4: true,
    ipv6: options.ipv6 ?? false,
    partial: false,
  };
  return {
    mirror: {
      id: host,
      name: host,
      places: [{ country, latitude, longitude }],
      weight: options.weight ?? 1,
      drained: options.drained ?? false,
      accessPoints: [accessPoint],
      ...(options.networks === undefined ? {} : { networks: options.networks }),
    },
    accessPoint,
    presence: Uint8Array.from({ length: count }, (_, id) => (holds(id) ? Outcome.present : Outcome.absent)),
    liveness: { state, sinceS: 0, checkedAtS: 0, reason: state === 'up' ? '' : 'connection refused' },
  };
}

/** Of a mirror in each country, over https and http: `de.example.org`, unless `of` says otherwise of the n-th. */
export function mirrorsIn(
  countries: readonly string[],
  count: number,
  of: (n: number) => Omit<SmallPoint, 'host' | 'country' | 'protocol'> & Partial<Pick<SmallPoint, 'host'>>,
): Evidence[] {
  return countries.flatMap((country, n) =>
    (['https', 'http'] as const).map((protocol) =>
      evidenceOf(count, { host: `${country.toLowerCase()}.example.org`, country, protocol, ...of(n) }),
    ),
  );
}

export function mapsOf(
  inventory: Inventory,
  evidence: readonly Evidence[],
  previous: ObjectTable | null = null,
  nowMs = NOW_MS,
): Maps {
  return buildMaps({
    inventory,
    evidence,
    regions: allRegions(),
    previous,
    nowMs,
    staleAfterMs: 7 * 86_400_000,
  });
}
