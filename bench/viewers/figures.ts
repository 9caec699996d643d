import { greatCircleKm } from '../../core/great-circle.ts';
import type { Mirror } from '../../core/mirror.ts';
import type { Region } from '../../generator/maps/rank.ts';
import { allRegions } from '../../generator/maps/regions.ts';
import type { Counts } from './simulate.ts';
import type { World } from './world.ts';

export interface MirrorFigures {
  readonly mirror: Mirror;
  /** Of all viewers, 0 to 1. */
  readonly share: number;
  /** Of its viewers, those of a country where it stands. */
  readonly ownCountry: number;
  readonly meanKm: number;
  /** How many mirrors take over when it is down, and the largest part that one of them takes. */
  readonly heirs: number;
  readonly largestHeir: number;
}

export interface Figures {
  readonly viewers: number;
  readonly fallback: number;
  /** The largest share first. */
  readonly mirrors: readonly MirrorFigures[];
  /** Shares of viewers by how far the middle of their region is from their mirror. */
  readonly distances: readonly { readonly label: string; readonly share: number; readonly nearest: number }[];
  /** Share of viewers whose mirror is more than a ring farther than the nearest mirror of their scheme. */
  readonly farBeforeNear: number;
  /** Of those who are sent abroad: by country of the viewers. */
  readonly farthest: readonly { readonly region: string; readonly share: number; readonly meanKm: number }[];
}

const BOUNDS_KM = [0, 500, 1_500, 3_500, 7_500, Number.POSITIVE_INFINITY];
const LABELS = ['own country', 'under 500 km', '500–1,500 km', '1,500–3,500 km', '3,500–7,500 km', 'over 7,500 km'];

/** What the counts of a simulation say. */
export function figuresOf(world: World, counts: Counts): Figures {
  const regions = new Map(allRegions().map((region) => [region.code, region]));
  const mirrors = world.mirrors.map(() => ({ viewers: 0, own: 0, km: 0 }));
  const distances = LABELS.map(() => ({ viewers: 0, nearest: 0 }));
  const farthest = new Map<string, { viewers: number; km: number }>();
  let viewers = 0;
  let fallback = 0;
  let farBeforeNear = 0;
  for (const [code, row] of Object.entries(counts.sent)) {
    const region = regions.get(code) as Region;
    const nearest = new Map(['https', 'http'].map((scheme) => [scheme, nearestTo(region, world, scheme)]));
    for (const [number, count] of Object.entries(row)) {
      viewers += count;
      const point = world.points[Number(number)];
      if (point === undefined) {
        fallback += count;
        continue;
      }
      const at = distanceTo(region, world.mirrors[point.mirror] as Mirror);
      const best = nearest.get(point.protocol) as Distance;
      const sums = mirrors[point.mirror] as (typeof mirrors)[number];
      sums.viewers += count;
      sums.km += count * at.km;
      if (at.ring === 0) sums.own += count;
      (distances[at.ring] as (typeof distances)[number]).viewers += count;
      (distances[best.ring] as (typeof distances)[number]).nearest += count;
      if (at.ring > best.ring + 1) farBeforeNear += count;
      const far = farthest.get(code) ?? { viewers: 0, km: 0 };
      farthest.set(code, { viewers: far.viewers + count, km: far.km + count * at.km });
    }
  }
  return {
    viewers,
    fallback: fallback / viewers,
    mirrors: world.mirrors
      .map((mirror, i) => mirrorFigures(mirror, mirrors[i] as (typeof mirrors)[number], viewers, counts.heirs[i] ?? {}))
      .sort((a, b) => b.share - a.share),
    distances: distances.map((sum, i) => ({
      label: LABELS[i] as string,
      share: sum.viewers / viewers,
      nearest: sum.nearest / viewers,
    })),
    farBeforeNear: farBeforeNear / viewers,
    farthest: [...farthest]
      .map(([region, sum]) => ({ region, share: sum.viewers / viewers, meanKm: sum.km / sum.viewers }))
      .sort((a, b) => b.share * b.meanKm - a.share * a.meanKm),
  };
}

function mirrorFigures(
  mirror: Mirror,
  sums: { readonly viewers: number; readonly own: number; readonly km: number },
  viewers: number,
  heirs: Record<number, number>,
): MirrorFigures {
  const taken = Object.values(heirs);
  const total = Math.max(1, sums.viewers);
  return {
    mirror,
    share: sums.viewers / viewers,
    ownCountry: sums.own / total,
    meanKm: sums.km / total,
    heirs: taken.length,
    largestHeir: Math.max(0, ...taken) / total,
  };
}

interface Distance {
  /** A place in `LABELS`. */
  readonly ring: number;
  readonly km: number;
}

function distanceTo(region: Region, mirror: Mirror): Distance {
  const km = Math.min(
    ...mirror.places.map((place) => greatCircleKm(region.middle as NonNullable<Region['middle']>, place)),
  );
  const isOwn = mirror.places.some(({ country }) => country === region.country);
  return { ring: isOwn ? 0 : BOUNDS_KM.findIndex((bound) => km < bound), km };
}

function nearestTo(region: Region, world: World, scheme: string): Distance {
  const all = world.points
    .filter(({ protocol }) => protocol === scheme)
    .map(({ mirror }) => distanceTo(region, world.mirrors[mirror] as Mirror));
  return all.reduce((best, one) => (one.ring < best.ring || (one.ring === best.ring && one.km < best.km) ? one : best));
}
