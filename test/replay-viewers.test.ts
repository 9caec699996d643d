import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { RegionMap } from '../core/formats/map-file.ts';
import { readRequest } from '../edge-shim/request.ts';
import { viewersOf } from '../generator/publish/replay/viewers.ts';

describe('the viewers of a replay', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('stand in each of %i shards, as the edge counts them', (count) => {
    const shards = Array.from({ length: count }, (_, number) => [{ number, tier: 0, weight: 1 }]);
    const scheme = { candidates: [], excluded: [], shards };
    const map: RegionMap = { region: 'US-CA', zone: 'US-CA', epoch: '1', builtAtMs: 0, https: scheme, http: scheme };
    const viewers = viewersOf([map], false);
    // Over each scheme, of each address family.
    expect(viewers).toHaveLength(4 * count);
    expect(viewers.filter(({ ip }) => ip.includes(':'))).toHaveLength(2 * count);
    for (const { ip, country, subdivision, scheme: forwardedProto, shard } of viewers) {
      const event = { method: 'GET', uri: '/', query: {}, ip, country, subdivision, forwardedProto };
      const { shardHash } = readRequest(event, (text) => createHash('sha256').update(text).digest());
      expect([Math.floor((shardHash / 2 ** 32) * count)]).toEqual(shard);
    }
  });
});
