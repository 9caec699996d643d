import { createHash } from 'node:crypto';
import { DEFAULT_REGION } from '../../../core/edge-keys.ts';
import type { RegionMap } from '../../../core/formats/map-file.ts';
import type { Scheme, Viewer } from './event.ts';

/** A viewer with the table that the published maps give it. */
export interface MappedViewer extends Viewer {
  readonly region: string;
  /** The numbers of the access points in its shard. */
  readonly shard: readonly number[];
}

const MOST_SHARDS = 8;
const SCHEMES: readonly Scheme[] = ['https', 'http'];

/** Networks, one for each eighth of the space of shards (docs/formats.md says how a shard is chosen). */
const NETWORKS = networksOf((i) => `198.18.${i}.`).map((network) => `${network}1`);

function networksOf(candidate: (i: number) => string): string[] {
  const found: string[] = [];
  for (let i = 0, left = MOST_SHARDS; left > 0; i++) {
    const hash = createHash('sha256').update(candidate(i)).digest().readUInt32BE(4);
    const eighth = Math.floor((hash / 2 ** 32) * MOST_SHARDS);
    if (found[eighth] !== undefined) continue;
    found[eighth] = candidate(i);
    left--;
  }
  return found;
}

/** One viewer for each shard of each region over each scheme. */
export function viewersOf(maps: readonly RegionMap[]): MappedViewer[] {
  return maps.flatMap((map) =>
    SCHEMES.flatMap((scheme) => {
      const { shards } = map[scheme];
      return shards.map((shard, i) => ({
        region: map.region,
        country: map.region === DEFAULT_REGION ? '' : map.region.slice(0, 2),
        subdivision: map.region === DEFAULT_REGION ? '' : map.region.slice(3),
        scheme,
        ip: NETWORKS[(i * MOST_SHARDS) / shards.length] as string,
        shard: shard.map(({ number }) => number),
      }));
    }),
  );
}
