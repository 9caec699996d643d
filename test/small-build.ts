import { createHash } from 'node:crypto';
import { countryOf } from '../core/countries.ts';
import type { ObjectTable } from '../core/formats/map-file.ts';
import { type LoadedInventory, ObjectType } from '../core/inventory.ts';
import type { Protocol } from '../core/mirror.ts';
import { Outcome } from '../core/observations.ts';
import { buildMaps, type EdgeRules, type Maps } from '../generator/maps/build.ts';
import type { Evidence } from '../generator/maps/evidence.ts';
import { allRegions } from '../generator/maps/regions.ts';

export const NOW_MS = Date.UTC(2026, 6, 1);
export const FALLBACK = 'https://fallback.example.org/';
export const RULES: EdgeRules = { upgrade: false, aliases: ['distfiles/'] };

/**
 * An inventory of plain files; of directories where a path ends in a slash, and links as `distfiles/x -> ab/x`, whose target
 * is in their folder.
 */
export function inventoryOf(lines: readonly string[]): LoadedInventory {
  const targets = lines.map((line) => line.split(' -> ')[1] ?? '');
  const paths = lines.map((line) => (line.split(' -> ')[0] as string).replace(/\/$/, ''));
  const ids = new Map(paths.map((path, id) => [path, id]));
  const types = lines.map((line, id) => {
    if (targets[id] !== '') return ObjectType.symlink;
    return line.endsWith('/') || line === '' ? ObjectType.directory : ObjectType.file;
  });
  const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1);
  return {
    takenAtMs: NOW_MS,
    paths,
    types: Uint8Array.from(types),
    sizeBytes: Float64Array.from(lines, (line) => (line.endsWith('/') ? -1 : 100)),
    mtimeS: new Float64Array(lines.length),
    targets,
    leadsTo: Int32Array.from(paths, (path, id) => {
      return targets[id] === '' ? id : (ids.get(folderOf(path) + (targets[id] as string)) as number);
    }),
    firstSeenS: new Uint32Array(lines.length),
    removedAtS: new Uint32Array(lines.length),
  };
}

/** Distfiles as Gentoo lays them out: of each name the file in its folder of two hex digits, and after it the flat link. */
export function distfilesOf(names: readonly string[]): LoadedInventory {
  return inventoryOf(
    names.flatMap((name) => {
      const folder = createHash('sha256').update(name).digest('hex').slice(0, 2);
      return [`distfiles/${folder}/${name}`, `distfiles/${name} -> ${folder}/${name}`];
    }),
  );
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
  readonly ipv4?: boolean;
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
    ipv4: options.ipv4 ?? true,
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
  inventory: LoadedInventory,
  evidence: readonly Evidence[],
  previous: ObjectTable | null = null,
  nowMs = NOW_MS,
  rules: EdgeRules = RULES,
): Maps {
  return buildMaps({
    inventory,
    evidence,
    regions: allRegions(),
    previous,
    nowMs,
    staleAfterMs: 7 * 86_400_000,
    rules,
  });
}
