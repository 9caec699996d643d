import { readFileSync } from 'node:fs';
import { countryOf } from '../../core/countries.ts';
import { greatCircleKm } from '../../core/great-circle.ts';
import type { AccessPoint, Mirror } from '../../core/mirror.ts';
import { Outcome } from '../../core/observations.ts';
import type { Evidence } from '../../generator/maps/evidence.ts';
import { parseMirrorList } from '../../generator/mirrors/parse-mirror-list.ts';
import { MIRRORS_BY_COUNTRY } from '../../test/fleet.ts';
import { inventoryOf, mapsOf, NOW_MS } from '../../test/small-build.ts';
import { seeded } from '../../test/synthetic.ts';
import type { Populace } from './population.ts';

/** Objects that every mirror holds, but for those that say that they are partial: they hold two thirds. */
const COMMON = 300;
/** Objects that only the mirrors farthest from everybody hold. */
const SCARCE = 20;
const SCARCE_HOLDERS = 4;

/** What the simulated viewers ask: a build over a mirror list. */
export interface World {
  readonly mirrors: readonly Mirror[];
  /** By access point number. */
  readonly points: readonly { readonly protocol: string; readonly mirror: number }[];
  readonly keys: readonly (readonly [string, string])[];
  readonly commonUris: readonly string[];
  readonly scarceUris: readonly string[];
  /** Places in `mirrors`. */
  readonly scarceHolders: readonly number[];
}

/** The mirror list that `REDIRECTOR_MIRROR_LIST` names, or a made-up one of the same size; only what serves HTTP. */
export function mirrorList(): { readonly mirrors: readonly Mirror[]; readonly from: string } {
  const file = process.env['REDIRECTOR_MIRROR_LIST'] ?? '';
  if (file === '') return { mirrors: madeUpMirrors(), from: 'a made-up mirror list' };
  const { mirrors } = parseMirrorList(readFileSync(file, 'utf8'), null, { list: file, nowMs: NOW_MS });
  const serving = mirrors.filter(({ accessPoints }) => accessPoints.some(isHttp));
  return { mirrors: serving, from: 'the mirror list of REDIRECTOR_MIRROR_LIST' };
}

/** As many mirrors per country as a large distribution has: most with https, three quarters with IPv6. */
export function madeUpMirrors(seed = 1): Mirror[] {
  const random = seeded(seed);
  return [...MIRRORS_BY_COUNTRY.matchAll(/([A-Z]{2}) (\d+)/g)].flatMap(([, country = '', count]) =>
    Array.from({ length: Number(count) }, (_, i) => madeUpMirror(country, i, random)),
  );
}

function madeUpMirror(country: string, i: number, random: () => number): Mirror {
  const id = `mirror-${i}.example-${country.toLowerCase()}.org`;
  const { latitude, longitude } = countryOf(country) as NonNullable<ReturnType<typeof countryOf>>;
  const ipv6 = random() < 0.75;
  const protocols = random() < 0.88 ? (['https', 'http'] as const) : (['http'] as const);
  const accessPoints = protocols.map((protocol) => ({
    ...{ id: `${id}.${protocol}`, mirrorId: id, protocol, url: `${protocol}://${id}/gentoo/` },
    ...{ ipv4: true, ipv6, partial: false },
  }));
  return { id, name: id, places: [{ country, latitude, longitude }], weight: 1, drained: false, accessPoints };
}

/** A build over the mirrors, all of them up. `countries` say who is far: seen from all viewers. */
export function worldOf(mirrors: readonly Mirror[], countries: readonly Populace[]): World {
  const paths = Array.from({ length: COMMON + SCARCE }, (_, i) => `distfiles/${i.toString(16)}.tar.xz`);
  const scarceHolders = farthest(mirrors, countries);
  const points = mirrors.flatMap((mirror, place) =>
    mirror.accessPoints.filter(isHttp).map((accessPoint) => ({ accessPoint, mirror, place })),
  );
  const evidence = points.map(({ accessPoint, mirror, place }): Evidence => {
    const holds = (id: number) =>
      id >= COMMON ? scarceHolders.includes(place) : !accessPoint.partial || (id + place) % 3 !== 0;
    const presence = Uint8Array.from(paths, (_, id) => (holds(id) ? Outcome.present : Outcome.absent));
    return { mirror, accessPoint, presence, liveness: { state: 'up', sinceS: 0, checkedAtS: 0, reason: '' } };
  });
  const { keys } = mapsOf(inventoryOf(paths), evidence);
  const uris = paths.map((path) => `/${path}`);
  return {
    mirrors,
    points: points.map(({ accessPoint, place }) => ({ protocol: accessPoint.protocol, mirror: place })),
    keys,
    commonUris: uris.slice(0, COMMON),
    scarceUris: uris.slice(COMMON),
    scarceHolders,
  };
}

function isHttp({ protocol }: AccessPoint): boolean {
  return protocol === 'https' || protocol === 'http';
}

/** The mirrors whose mean distance to all people is the greatest, of those that everybody can use. */
function farthest(mirrors: readonly Mirror[], countries: readonly Populace[]): number[] {
  const meanKm = (mirror: Mirror) =>
    countries.reduce((sum, { code, people }) => {
      const middle = countryOf(code);
      return sum + (middle === null ? 0 : people * Math.min(...mirror.places.map((at) => greatCircleKm(middle, at))));
    }, 0);
  return mirrors
    .map((mirror, place) => ({ mirror, place }))
    .filter(({ mirror }) => ['https', 'http'].every((p) => mirror.accessPoints.some((a) => a.protocol === p)))
    .map(({ mirror, place }) => ({ place, km: meanKm(mirror) }))
    .sort((a, b) => b.km - a.km)
    .slice(0, SCARCE_HOLDERS)
    .map(({ place }) => place);
}
