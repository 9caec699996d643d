import { createHash } from 'node:crypto';
import { DEFAULT_REGION, META_KEY } from '../../../core/edge-keys.ts';
import type { RegionMap } from '../../../core/formats/map-file.ts';
import { prefixesOf } from '../../../core/networks.ts';
import type { Evidence } from '../../maps/evidence.ts';
import type { Scheme, Viewer } from './event.ts';

/** A viewer with the table that the published maps give it. */
export interface MappedViewer extends Viewer {
  readonly region: string;
  /** The numbers of the access points in its shard. */
  readonly shard: readonly number[];
}

const SCHEMES: readonly Scheme[] = ['https', 'http'];
/** Among so many networks each of a few shards has one. */
const NETWORKS = 256;
const hex = (i: number) => i.toString(16).padStart(2, '0');
/** By family: networks as they are hashed, with an address in each; of ranges that nobody has (RFC 2544, RFC 5180). */
const FAMILIES = [
  Array.from({ length: NETWORKS }, (_, i) => placed(`198.18.${i}.`, `198.18.${i}.1`)),
  Array.from({ length: NETWORKS }, (_, i) => placed(`200100020000${hex(i)}`, `2001:2:0:${hex(i)}00::1`)),
];

function placed(network: string, ip: string) {
  const hash = createHash('sha256').update(network).digest().readUInt32BE(4);
  return { ip, place: hash / 2 ** 32 };
}

/**
 * Addresses of both families whose networks are dealt to that shard (docs/formats.md says how). Throws RangeError for
 * very many shards.
 */
function addressesIn(shard: number, shards: number): string[] {
  return FAMILIES.map((networks) => {
    const network = networks.find(({ place }) => Math.floor(place * shards) === shard);
    if (network === undefined) throw new RangeError(`no network for shard ${shard} of ${shards}`);
    return network.ip;
  });
}

/**
 * One viewer over each scheme for each prefix that mirrors serve alone, by the evidence or by the keys; of no country,
 * and so of no region's map.
 */
export function privateViewersOf(evidence: readonly Evidence[], keys: ReadonlyMap<string, string>): MappedViewer[] {
  const zones = (keys.get(META_KEY) ?? '').split(' ')[6] ?? '';
  const listed = zones.split(',').filter((one) => /^(?:(?:\d{1,3}\.){1,3}|[\da-f]{4,14})$/.test(one));
  const prefixes = new Set([...listed, ...evidence.flatMap(({ mirror }) => prefixesOf(mirror.networks ?? []))]);
  return [...prefixes].flatMap((prefix) =>
    SCHEMES.map((scheme) => ({ region: '', country: '', subdivision: '', scheme, ip: addressOf(prefix), shard: [] })),
  );
}

function addressOf(prefix: string): string {
  if (prefix.includes('.')) return [...prefix.split('.').slice(0, -1), '1', '1', '1'].slice(0, 4).join('.');
  return (prefix.padEnd(32, '0').match(/.{4}/g) as string[]).join(':');
}

/**
 * Two viewers, one of either address family, for each shard of each region over each scheme; `upgrade`: those over http
 * too get the mirrors of https.
 */
export function viewersOf(maps: readonly RegionMap[], upgrade: boolean): MappedViewer[] {
  return maps.flatMap((map) =>
    SCHEMES.flatMap((scheme) => {
      const { shards } = map[upgrade ? 'https' : scheme];
      return shards.flatMap((shard, i) =>
        addressesIn(i, shards.length).map((ip) => ({
          region: map.region,
          country: map.region === DEFAULT_REGION ? '' : map.region.slice(0, 2),
          subdivision: map.region === DEFAULT_REGION ? '' : map.region.slice(3),
          scheme,
          ip,
          shard: shard.map(({ number }) => number),
        })),
      );
    }),
  );
}
