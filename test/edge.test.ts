import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { META_KEY } from '../core/edge-keys.ts';
import { requestPath } from '../core/inventory.ts';
import { answerOf } from '../edge-shim/answer.ts';
import { type Decision, decide, type Tables } from '../edge-shim/decide.ts';
import { readRequest, type ViewerEvent } from '../edge-shim/request.ts';
import type { Maps } from '../generator/maps/build.ts';
import { evidenceOf, FALLBACK, inventoryOf, mapsOf, NOW_MS, RULES } from './small-build.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const viewer = (over: Partial<ViewerEvent> = {}): ViewerEvent => ({
  method: 'GET',
  uri: '/',
  query: {},
  subdivision: '',
  ip: '192.0.2.7',
  country: 'DE',
  forwardedProto: 'https',
  ...over,
});

/** Decides with a store, and counts its reads. */
function ask(
  store: ReadonlyMap<string, string>,
  event: ViewerEvent,
  nowMs = NOW_MS,
): { decision: Decision; reads: number } {
  const request = readRequest(event, sha256);
  const tables: Tables = {};
  for (let reads = 0; ; reads++) {
    const decision = decide(request, tables, nowMs / 1000, FALLBACK);
    if (decision.kind !== 'need') return { decision, reads };
    expect(reads).toBeLessThan(4);
    tables[decision.key] = store.get(decision.key) ?? null;
  }
}

const storeOf = (maps: Maps) => new Map(maps.keys);
/** Where a request leads: the decision's answer, or null for a refusal. */
const locationOf = (decision: Decision, event: ViewerEvent) =>
  answerOf(decision, readRequest(event, sha256), FALLBACK).headers['location'] ?? null;
/** Where a viewer of a store is sent. */
const sentTo = (store: ReadonlyMap<string, string>, over: Partial<ViewerEvent>) =>
  locationOf(ask(store, viewer(over)).decision, viewer(over));

const paths = [
  '',
  'distfiles/',
  'distfiles/ab/',
  ...Array.from({ length: 400 }, (_, i) => `distfiles/ab/pkg-${i}%252F%2B.tar.xz`),
];
const inventory = inventoryOf(paths);
const count = paths.length;
const all = () => true;
const evidence = [
  evidenceOf(count, { host: 'de.example.org', country: 'DE', protocol: 'https', holds: (id) => id % 2 === 0 }),
  evidenceOf(count, { host: 'de.example.org', country: 'DE', protocol: 'http', holds: (id) => id % 2 === 0 }),
  evidenceOf(count, {
    host: 'fr.example.org',
    country: 'FR',
    protocol: 'https',
    holds: (id) => id % 5 !== 0,
    ipv6: true,
  }),
  evidenceOf(count, { host: 'jp.example.org', country: 'JP', protocol: 'https', holds: (id) => id !== 13 }),
  evidenceOf(count, { host: 'dead.example.org', country: 'DE', protocol: 'https', holds: all, state: 'down' }),
  evidenceOf(count, { host: 'drained.example.org', country: 'DE', protocol: 'https', holds: all, drained: true }),
];
const maps = mapsOf(inventory, evidence);
const store = storeOf(maps);
const uriOf = (id: number) => `/${requestPath(inventory, id)}`;

describe('decide', () => {
  it('sends every object to the nearest holder that is up, over the viewer’s scheme, in three reads', () => {
    for (let id = 0; id < count; id++) {
      const event = viewer({ uri: uriOf(id) });
      const { decision, reads } = ask(store, event);
      const host = id % 2 === 0 ? 'de' : id % 5 !== 0 ? 'fr' : 'jp';
      const expected = id === 13 ? 'https://fr.example.org/gentoo/' : `https://${host}.example.org/gentoo/`;
      expect(locationOf(decision, event)).toBe(expected + requestPath(inventory, id));
      expect(reads).toBe(3);
      const plainEvent = viewer({ uri: uriOf(id), forwardedProto: 'http' });
      const plain = ask(store, plainEvent).decision;
      if (id % 2 === 0)
        expect(locationOf(plain, plainEvent)).toBe(`http://de.example.org/gentoo/${requestPath(inventory, id)}`);
      else
        expect(plain).toMatchObject({
          kind: 'fallback',
          reason: 'no holder region=DE',
          location: FALLBACK + requestPath(inventory, id),
        });
    }
  });

  it('sends on with the slash that a directory lacks, and never adds one to a file', () => {
    expect(sentTo(store, { uri: '/distfiles' })).toMatch(/\/gentoo\/distfiles\/$/);
    expect(ask(store, viewer({ uri: '/distfiles/ab/pkg-1%252F%2B.tar.xz/' })).decision.kind).toBe('fallback');
  });

  it('prefers IPv6 access points for IPv6 viewers', () => {
    expect(sentTo(store, { uri: uriOf(4), ip: '2001:db8::1' })).toContain('//fr.example.org/');
  });

  it('sends unknown objects, refused names and everything without a map to the fallback', () => {
    expect(ask(store, viewer({ uri: '/no/such' })).decision).toEqual({
      kind: 'fallback',
      location: `${FALLBACK}no/such`,
      reason: 'unknown object',
      leftOut: [],
      stale: false,
    });
    expect(ask(new Map(), viewer({ uri: uriOf(3) })).decision).toMatchObject({ kind: 'fallback', reason: 'no map' });
    expect(ask(store, viewer({ uri: '/%zz' })).decision).toMatchObject({ kind: 'reject', status: 400 });
    expect(ask(store, viewer({ method: 'POST' })).decision).toMatchObject({ kind: 'reject', status: 405 });
  });

  it('answers viewers of unknown places', () => {
    for (const country of ['', 'XX', 'de', '<x>'])
      expect(ask(store, viewer({ uri: uriOf(4), country })).decision.kind).toBe('redirect');
  });

  it('takes an access point out everywhere by the one key that says who is up', () => {
    const meta = (store.get(META_KEY) as string).split(' ');
    const withoutFirst = new Map(store).set(
      META_KEY,
      [...meta.slice(0, 5), '3'.padEnd((meta[5] as string).length, '0'), ...meta.slice(6)].join(' '),
    );
    for (let id = 0; id < count; id++) {
      if (id === 13) continue;
      expect(sentTo(withoutFirst, { uri: uriOf(id) })).toMatch(/(fr|jp)\.example\.org/);
    }
  });

  it('says when the map is stale', () => {
    expect(ask(store, viewer({ uri: uriOf(4) }), NOW_MS + 8 * 86_400_000).decision).toMatchObject({
      kind: 'redirect',
      stale: true,
    });
    expect(ask(store, viewer({ uri: uriOf(4) })).decision).toMatchObject({ stale: false });
    // A new object is what an old map does not know.
    const event = viewer({ uri: '/distfiles/new', query: { mirrorlist: '' } });
    const { decision } = ask(store, event, NOW_MS + 8 * 86_400_000);
    expect(answerOf(decision, readRequest(event, sha256), FALLBACK).body).toMatch(
      /^# fallback: unknown object stale-map\n/,
    );
  });

  it('tells whom it left out where nobody is left, near and far', () => {
    const meta = (store.get(META_KEY) as string).split(' ');
    const down = (meta[5] as string).replace(/./g, '0');
    const dead = new Map(store).set(META_KEY, [...meta.slice(0, 5), down, ...meta.slice(6)].join(' '));
    const event = viewer({ uri: uriOf(5), query: { mirrorlist: 'json' } });
    const { body } = answerOf(ask(dead, event).decision, readRequest(event, sha256), FALLBACK);
    const { reason, excluded } = JSON.parse(body) as { reason: string; excluded: { url: string; reason: string }[] };
    expect(reason).toBe('fallback: no holder region=DE');
    expect(excluded).toContainEqual({ url: 'de.example.org/gentoo/', accessPoint: 0, reason: 'does not hold it' });
    expect(excluded).toContainEqual({ url: 'jp.example.org/gentoo/', accessPoint: 3, reason: 'down' });
  });

  it('never sends viewers over IPv4 to an access point that has IPv6 alone', () => {
    const alone = evidenceOf(count, {
      host: 'six.example.org',
      country: 'DE',
      protocol: 'https',
      holds: all,
      ipv4: false,
      ipv6: true,
    });
    const both = storeOf(mapsOf(inventory, [...evidence, alone]));
    for (let id = 0; id < count; id++) {
      expect(sentTo(both, { uri: uriOf(id) })).not.toContain('six.example.org');
      expect(sentTo(both, { uri: uriOf(id), ip: '2001:db8::1' })).toContain('six.example.org');
    }
    const { body } = answerOf(
      ask(both, viewer({ uri: uriOf(3) })).decision,
      readRequest(viewer({ uri: uriOf(3), query: { mirrorlist: '' } }), sha256),
      FALLBACK,
    );
    expect(body).toContain('# six.example.org/gentoo/: has IPv6 alone\n');
  });

  it('leads viewers over http to https, and to the fallback’s https, where that is configured', () => {
    const led = storeOf(mapsOf(inventory, evidence, null, NOW_MS, { ...RULES, upgrade: true }));
    for (let id = 0; id < count; id++) {
      const [http, https] = (['http', 'https'] as const).map((forwardedProto) =>
        sentTo(led, { uri: uriOf(id), forwardedProto }),
      );
      expect(http).toMatch(/^https:/);
      expect(http).toBe(https);
    }
    const event = viewer({ uri: '/no/such', forwardedProto: 'http' });
    const plain = (keys: typeof led) => {
      const tables: Tables = Object.fromEntries(keys);
      return decide(readRequest(event, sha256), tables, NOW_MS / 1000, 'http://fallback.example.org/');
    };
    expect(plain(led)).toMatchObject({ location: 'https://fallback.example.org/no/such' });
    expect(plain(store)).toMatchObject({ location: 'http://fallback.example.org/no/such' });
  });

  it('goes by the country that is asked for, even from inside a private network', () => {
    const own = evidenceOf(count, {
      host: 'own.example.org',
      country: 'DE',
      protocol: 'https',
      holds: all,
      networks: ['192.0.2.0/24'],
    });
    const both = storeOf(mapsOf(inventory, [...evidence, own]));
    expect(sentTo(both, { uri: uriOf(4) })).toContain('own.example.org');
    expect(sentTo(both, { uri: uriOf(4), query: { country: 'JP' } })).toContain('jp.example.org');
  });

  it('keeps the path where something goes wrong on the way', () => {
    const request = readRequest(viewer({ uri: uriOf(4), forwardedProto: 'http' }), sha256);
    expect(answerOf({ kind: 'need', key: '' }, request, 'http://fallback.example.org/').headers['location']).toBe(
      `https://fallback.example.org/${requestPath(inventory, 4)}`,
    );
  });

  it('keeps a viewer’s network on one of several equals, and spreads networks by weight', () => {
    const equals = [1, 3].map((weight, i) =>
      evidenceOf(count, { host: `m${i}.example.org`, country: 'DE', protocol: 'https', holds: all, weight }),
    );
    const both = storeOf(mapsOf(inventory, equals));
    const hostFor = (ip: string) => sentTo(both, { uri: uriOf(9), ip })?.slice(8, 10);
    const hosts = Array.from({ length: 2000 }, (_, i) => hostFor(`10.${i >> 8}.${i & 255}.1`));
    const share = hosts.filter((host) => host === 'm1').length / hosts.length;
    expect(share).toBeGreaterThan(0.71);
    expect(share).toBeLessThan(0.79);
    expect(hostFor('10.0.7.200')).toBe(hostFor('10.0.7.3'));
  });

  it('is total: torn and foreign values lead to the fallback or to a host of the tables', () => {
    const hosts = /^https?:\/\/((de|fr|jp|dead|drained)\.example\.org\/gentoo\/|fallback\.example\.org\/)/;
    const torn = fc.constantFrom('cut', 'swap', 'noise', 'gone');
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: count - 1 }),
        torn,
        fc.string(),
        fc.nat(),
        fc.boolean(),
        (id, kind, noise, at, https) => {
          const keys = [...store.keys()];
          const broken = new Map(store);
          for (const key of [META_KEY, keys[at % keys.length] as string, ...keys.filter((_, i) => i % 3 === at % 3)]) {
            const value = store.get(key) as string;
            if (kind === 'cut') broken.set(key, value.slice(0, at % value.length));
            else if (kind === 'swap') broken.set(key, store.get(keys[(at + 7) % keys.length] as string) as string);
            else if (kind === 'noise') broken.set(key, noise);
            else if (key !== META_KEY) broken.delete(key);
          }
          const location = sentTo(broken, { uri: uriOf(id), forwardedProto: https ? 'https' : 'http' }) as string;
          expect(location).toMatch(hosts);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
          expect(location).not.toMatch(/[\u0000-\u0020\u007f]/);
          if (https) expect(location).toMatch(/^https:/);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('a second build', () => {
  it('keeps its epoch while the tree grows by some percent', () => {
    const grown = (size: number) => inventoryOf(Array.from({ length: size }, (_, i) => `distfiles/f/${i}`));
    const one = (size: number) => [
      evidenceOf(size, { host: 'de.example.org', country: 'DE', protocol: 'https', holds: all }),
    ];
    const before = mapsOf(grown(20_000), one(20_000));
    expect(mapsOf(grown(20_600), one(20_600), before.table).table.epoch).toBe(before.table.epoch);
  });

  it('begins a new epoch when a bucket overflows', () => {
    const many = inventoryOf(Array.from({ length: 3000 }, (_, i) => `f/${i}`));
    const next = mapsOf(
      many,
      [evidenceOf(3000, { host: 'de.example.org', country: 'DE', protocol: 'https', holds: all })],
      maps.table,
    );
    expect(next.table.epoch).not.toBe(maps.table.epoch);
    const nextStore = storeOf(next);
    for (let i = 0; i < 3000; i++) expect(ask(nextStore, viewer({ uri: `/f/${i}` })).decision.kind).toBe('redirect');
  });
});
