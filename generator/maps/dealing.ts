import type { Dealing, DealtTier, Pieces } from '../../core/formats/map-file.ts';
import type { Candidate } from './rank.ts';
import { merged, redealt, split } from './redeal.ts';
import { type Cut, freshCut, type Shard, shardsOf } from './shards.ts';

/** More pieces than so many times those it takes are a waste. */
const MOST_TOO_FINE = 2;

/** One region's candidates over both schemes, best first. */
export interface Accepted {
  readonly https: readonly Candidate[];
  readonly http: readonly Candidate[];
}

type Pair = Pick<DealtTier, 'https' | 'http'>;

/**
 * Deals the viewers of regions to mirrors, so that few of them move from what they had at the build before. Regions with the same nearest
 * mirrors are dealt alike, so that they can share tables.
 */
export class Dealer {
  readonly #byKey = new Map<string, Pair>();
  readonly #byRegion = new Map<string, Pair>();
  readonly #dealt = new Map<string, { readonly pair: Pair; readonly regions: string[] }>();

  constructor(before: Dealing | null) {
    for (const { key, regions, https, http } of before?.tiers ?? []) {
      this.#byKey.set(key, { https, http });
      for (const region of regions) this.#byRegion.set(region, { https, http });
    }
  }

  /** As many shards over https as over http, at most `most`. A region that is new is dealt as its `country` was. */
  shards({ https, http }: Accepted, most: number, region: string, country: string): { https: Shard[]; http: Shard[] } {
    const fewest = Math.max(...[https, http].map((accepted) => freshCut(accepted, most).pieces.length));
    const fresh = { https: freshCut(https, fewest, fewest), http: freshCut(http, fewest, fewest) };
    const key = `${most} ${[fresh.https, fresh.http].map(({ tier }) => tierKey(tier)).join(' ')}`;
    let dealt = this.#dealt.get(key);
    if (dealt === undefined) {
      const before = this.#byRegion.get(region) ?? this.#byRegion.get(country);
      dealt = { pair: this.#byKey.get(key) ?? (before && adjusted(before, fresh, most)) ?? pairOf(fresh), regions: [] };
      this.#dealt.set(key, dealt);
    }
    dealt.regions.push(region);
    return {
      https: shardsOf({ ...fresh.https, pieces: dealt.pair.https }, https),
      http: shardsOf({ ...fresh.http, pieces: dealt.pair.http }, http),
    };
  }

  /** For the build after. */
  tiers(): DealtTier[] {
    return [...this.#dealt].map(([key, { pair, regions }]) => ({ key, regions, ...pair }));
  }
}

/** What a cut depends on: these mirrors, their weights and families. */
function tierKey(tier: readonly Candidate[]): string {
  const parts = tier.map(({ number, weight, ipv6 }) => `${number}:${weight}${ipv6 ? ':6' : ''}`);
  return parts.sort().join();
}

function pairOf({ https, http }: { https: Cut; http: Cut }): Pair {
  return { https: https.pieces, http: http.pieces };
}

/**
 * The pieces of before, or parts of them, for the tiers of now; undefined where both have to be cut anew. Where one has
 * to be, the other stays as it is.
 */
function adjusted(before: Pair, fresh: { https: Cut; http: Cut }, most: number): Pair | undefined {
  let { https, http } = before;
  while (https.length > most && https.length % 2 === 0) [https, http] = [merged(https), merged(http)];
  const finest = Math.min(most, MOST_TOO_FINE * fresh.https.pieces.length);
  for (const again of [{}, { https: true }, { http: true }]) {
    for (let into = 1; https.length * into <= finest; into *= 2) {
      const pair = {
        https: again.https ? cutInto(https.length * into, fresh.https) : redealt(split(https, into), fresh.https.tier),
        http: again.http ? cutInto(http.length * into, fresh.http) : redealt(split(http, into), fresh.http.tier),
      };
      if (pair.https !== null && pair.http !== null) return { https: pair.https, http: pair.http };
    }
  }
  return undefined;
}

/** Null where not all of the tier has room. */
function cutInto(count: number, { tier }: Cut): Pieces | null {
  const { tier: all, pieces } = freshCut(tier, count, count);
  return all.length < tier.length ? null : pieces;
}
