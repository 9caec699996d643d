import { createHash } from 'node:crypto';
import { countryOf } from '../core/countries.ts';
import type { ObjectTable } from '../core/formats/map-file.ts';
import { type Inventory, ObjectType } from '../core/inventory.ts';
import type { Protocol } from '../core/mirror.ts';
import { Outcome } from '../core/observations.ts';
import { buildMaps, type EdgeRules, type Maps } from '../generator/maps/build.ts';
import type { Evidence } from '../generator/maps/evidence.ts';
import { allRegions } from '../generator/maps/regions.ts';

export const NOW_MS = Date.UTC(2026, 6, 1);
export const FALLBACK = 'https://fallback.example.org/';
export const RULES: EdgeRules = { upgrade: false, aliases: ['distfiles/'] };

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

/**
 * An inventory of distfiles as Gentoo lays them out: of each name the file in its folder of two hex digits, and after it the
 * flat link to that. Links have odd ids.
 */
export function distfilesOf(names: readonly string[]): Inventory {
  const folders = names.map((name) => createHash('sha256').update(name).digest('hex').slice(0, 2));
  const both = names.flatMap((name, i) => [`distfiles/${folders[i]}/${name}`, `distfiles/${name}`]);
  return {
    ...inventoryOf(both),
    types: Uint8Array.from(both, (_, id) => (id % 2 === 0 ? ObjectType.file : ObjectType.symlink)),
    targets: both.map((_, id) => (id % 2 === 0 ? '' : `${folders[(id - 1) / 2]}/${names[(id - 1) / 2]}`)),
    leadsTo: Int32Array.from(both, (_, id) => id - (id % 2)),
  };
}

/** Evidence of an access point that holds the objects whose ids `holds` accepts. */
export function evidenceOf(
  count: number,
  options: {
    host: string;
    country: string;
    protocol: Protocol;
    holds: (id: number) => boolean;
    state?: 'up' | 'down';
    drained?: boolean;
    ipv6?: boolean;
    weight?: number;
    networks?: readonly string[];
  },
): Evidence {
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

export function mapsOf(
  inventory: Inventory,
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
