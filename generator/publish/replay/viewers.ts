import { createHash } from 'node:crypto';
import { DEFAULT_REGION, MOST_SHARDS } from '../../../core/edge-keys.ts';
import type { RegionMap } from '../../../core/formats/map-file.ts';
import type { Scheme, Viewer } from './event.ts';

/** A viewer with the table that the published maps give it. */
export interface MappedViewer extends Viewer {
  readonly region: string;
  /** The numbers of the access points in its shard. */
  readonly shard: readonly number[];
}

const SCHEMES: readonly Scheme[] = ['https', 'http'];

/** By number of shards: an address of each shard (docs/formats.md says how a shard is chosen). */
const ADDRESSES = Array.from({ length: MOST_SHARDS + 1 }, (_, shards) => addressesOf(shards));

function addressesOf(shards: number): string[] {
  const found: string[] = [];
  for (let i = 0, left = shards; left > 0; i++) {
    const network = `198.18.${i}.`;
    const hash = createHash('sha256').update(network).digest().readUInt32BE(4);
    const shard = Math.floor((hash / 2 ** 32) * shards);
    if (found[shard] !== undefined) continue;
    found[shard] = `${network}1`;
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
        ip: ADDRESSES[shards.length]?.[i] as string,
        shard: shard.map(({ number }) => number),
      }));
    }),
  );
}
