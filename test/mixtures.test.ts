import { beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_REGION, META_KEY, zoneOf } from '../core/edge-keys.ts';
import type { ObjectTable } from '../core/formats/map-file.ts';
import { requestPath } from '../core/inventory.ts';
import type { Mirror } from '../core/mirror.ts';
import { Outcome } from '../core/observations.ts';
import { type Decision, decide, type Tables } from '../edge-shim/decide.ts';
import { type EdgeRequest, readRequest } from '../edge-shim/request.ts';
import { type Evidence, isUp } from '../generator/maps/evidence.ts';
import { fleetEvidence } from './fleet.ts';
import { askMixed, COUNTRIES, PARTS, requestFor, sha256 } from './mixing.ts';
import { evidenceOf, FALLBACK, inventoryOf, mapsOf, mirrorsIn, NOW_MS } from './small-build.ts';
import { seeded } from './synthetic.ts';
import { treeLines } from './tree-names.ts';

interface Build {
  readonly keys: ReadonlyMap<string, string>;
  readonly table: ObjectTable;
  /** By `<scheme>://<root>`: what it holds, and whether it is up. */
  readonly points: ReadonlyMap<string, Evidence>;
}

/** Some mirrors want the viewers of a few countries alone, or not those of some; the protocols of one agree. */
const hostLot = (mirrorId: string) => sha256(mirrorId).readUInt32BE(0) % 16;
const RULES_BY_LOT: Record<number, { only?: readonly string[]; never?: readonly string[] }> = {
  1: { never: ['LI', 'BR'] },
  2: { never: ['TO', 'DE'] },
  3: { only: ['FR', 'IN', 'US'] },
};

/**
 * A build of the first `count` lines. Between two of them some mirrors have caught up and others have lost a part or all
 * links, and others are down or drained.
 */
function buildOf(lines: readonly string[], count: number, seed: number, previous: Build | null): Build {
  const random = seeded(seed);
  const lacksLinks = (mirror: number, id: number) =>
    (mirror % 5 === 0 || mirror % 17 === seed) && (lines[id] as string).includes(' -> ');
  const some = fleetEvidence(lines.length, 60, 1, lacksLinks).map((one, n): Evidence => {
    const presence = one.presence.slice(0, count);
    if (n % 40 === seed) presence.fill(Outcome.present);
    if (n % 40 === 20 + seed) presence.fill(Outcome.absent, Math.floor(count * 0.1), Math.floor(count * 0.15));
    const isDown = random() < 0.1;
    const liveness = { state: 'down', sinceS: NOW_MS / 1000, checkedAtS: 0, reason: 'refused' } as const;
    const lot = hostLot(one.mirror.id);
    const mirror = { ...one.mirror, ...RULES_BY_LOT[lot], drained: lot === 4 + seed };
    return { ...one, mirror, presence, liveness: isDown ? liveness : one.liveness };
  });
  const maps = mapsOf(inventoryOf(lines.slice(0, count)), some, previous?.table ?? null);
  return {
    keys: new Map(maps.keys),
    table: maps.table,
    points: new Map(some.map((one) => [one.accessPoint.url, one])),
  };
}

function holds(build: Build, url: string, id: number): boolean {
  const point = build.points.get(url);
  return point !== undefined && point.presence[id] === Outcome.present && isUp(point);
}

/** Whether somebody from there who read `meta` of one build and the class of another may have been sent there. */
function isRight(builds: readonly Build[], url: string, id: number, country: string): boolean {
  const points = builds.flatMap((build) => build.points.get(url) ?? []);
  return (
    points.some(({ presence }) => presence[id] === Outcome.present) &&
    points.some(isUp) &&
    points.some(({ mirror }) => isWanted(country, mirror))
  );
}

function isWanted(country: string, { only, never }: Mirror): boolean {
  return only === undefined
    ? never === undefined || (country !== '' && !never.includes(country))
    : only.includes(country);
}

const countryOf = ({ country }: EdgeRequest) => (country === DEFAULT_REGION ? '' : country);

type Redirect = Extract<Decision, { kind: 'redirect' }>;

describe('random mixtures of two consecutive builds', () => {
  const lines = treeLines();
  const names = lines.map((line) => line.split(' -> ')[0] as string);
  const ids = new Map(names.map((name, id) => [name.replace(/\/$/, ''), id]));
  const first = Math.floor(names.length * 0.9);
  let old: Build;
  beforeAll(() => {
    old = buildOf(lines, first, 1, null);
  });

  /** Which object a holder's URL names: the one that was asked for, or what its link leads to; -1 = another. */
  function namedBy(decision: Redirect, isAlias: boolean, id: number): number {
    const named = ids.get((isAlias ? decision.aliasPath : decision.path).replace(/\/$/, '')) ?? -1;
    const target = lines[id]?.split(' -> ')[1];
    return named === (isAlias ? id - 1 : id) && (!isAlias || names[named]?.endsWith(`/${target}`)) ? named : -1;
  }

  /** Asks for every object of either build, and counts where it led. */
  function replay(next: Build): { redirects: number; aliased: number; wrong: string[] } {
    const random = seeded(7);
    const inventory = inventoryOf(names);
    const wrong: string[] = [];
    let redirects = 0;
    let aliased = 0;
    for (let id = 0; id < names.length; id++) {
      const path = requestPath(inventory, id);
      const request = requestFor(path, random);
      const decision = askMixed(request, [old.keys, next.keys], random);
      if (decision.kind !== 'redirect') continue;
      redirects++;
      const scheme = request.https ? 'https://' : 'http://';
      for (const { root, isAlias } of decision.holders) {
        if (isAlias) aliased++;
        const named = namedBy(decision, isAlias, id);
        if (!isRight([old, next], scheme + root, named, countryOf(request))) wrong.push(`${path} → ${root}`);
      }
    }
    return { redirects, aliased, wrong };
  }

  it('of one epoch give no wrong answer, over the whole inventory', { timeout: 180_000 }, () => {
    const next = buildOf(lines, Math.floor(names.length * 0.91), 2, old);
    expect(next.table.epoch).toBe(old.table.epoch);
    const { redirects, aliased, wrong } = replay(next);
    expect(wrong).toEqual([]);
    expect(redirects).toBeGreaterThan(names.length * 0.6);
    expect(aliased).toBeGreaterThan(names.length * 0.1);
  });

  it('across a new epoch give no wrong answer', { timeout: 180_000 }, () => {
    // Twice as many names as the buckets of the old epoch have room for.
    const more = [...lines, ...lines.map((line) => `more/${line}`)];
    const next = buildOf(more, more.length, 3, old);
    expect(next.table.epoch).not.toBe(old.table.epoch);
    const { redirects, wrong } = replay(next);
    expect(wrong).toEqual([]);
    expect(redirects).toBeGreaterThan(names.length * 0.2);
  });

  it('and a viewer of one build alone is only sent to those who hold the object and are up', {
    timeout: 180_000,
  }, () => {
    const random = seeded(9);
    const inventory = inventoryOf(names);
    for (let id = 0; id < first; id++) {
      const request = requestFor(requestPath(inventory, id), random);
      const decision = askMixed(request, [old.keys], random);
      if (decision.kind !== 'redirect') continue;
      for (const { root, isAlias } of decision.holders) {
        const url = (request.https ? 'https://' : 'http://') + root;
        const named = namedBy(decision, isAlias, id);
        const mirror = old.points.get(url)?.mirror as Mirror;
        if (!holds(old, url, named) || !isWanted(countryOf(request), mirror)) expect.fail(`${names[id]} → ${url}`);
      }
    }
  });
});

describe('every mixture of two builds, where one had given two countries the same table,', () => {
  const names = Array.from({ length: 20 }, (_, i) => `distfiles/${i}`);
  const https = (host: string, country: string, holds: (id: number) => boolean) =>
    evidenceOf(names.length, { host, country, protocol: 'https', holds });
  const open = https('x.example', 'US', () => true);
  const wilful = { ...open, mirror: { ...open.mirror, never: ['LI'] } };
  const near = Array.from({ length: 6 }, (_, i) => https(`ch${i}.example`, 'CH', (id) => id > 9));
  const before = mapsOf(inventoryOf(names), [wilful, ...near]);
  const after = mapsOf(inventoryOf(names), [wilful, ...near.slice(0, 5)], before.table);

  it('keeps the viewers of one from a mirror that wants none of them', () => {
    const stores = [new Map(before.keys), new Map(after.keys)];
    // The other is led there: the mirror is in its new table.
    let led = 0;
    for (let mixture = 0; mixture < 16; mixture++) {
      for (const country of ['LI', 'AT']) {
        const request = readRequest(
          {
            method: 'GET',
            uri: '/distfiles/7',
            query: {},
            ip: '192.0.2.7',
            country,
            subdivision: '',
            forwardedProto: 'https',
          },
          sha256,
        );
        const tables: Tables = {};
        let decision: Decision;
        for (let read = 0; ; read++) {
          decision = decide(request, tables, NOW_MS / 1000, FALLBACK);
          if (decision.kind !== 'need') break;
          tables[decision.key] = stores[(mixture >> read) & 1]?.get(decision.key) ?? null;
        }
        const named = decision.kind === 'redirect' ? [...decision.holders, ...decision.leftOut] : [];
        const isNamed = named.some(({ root }) => root.startsWith('x.example'));
        if (country === 'LI') expect(isNamed, `mixture ${mixture}`).toBe(false);
        else if (isNamed) led++;
      }
    }
    expect(led).toBeGreaterThan(0);
  });
});

describe('a function that knows of no private networks', () => {
  const names = Array.from({ length: 40 }, (_, i) => `distfiles/${i}`);
  const networks = ['10.0.0.0/14', '192.0.2.0/24', 'ab00::/16', 'de00:de00::/32', '2001:db8:1::/48'];
  const open = fleetEvidence(names.length, 60);
  const closed = mirrorsIn(['DE'], names.length, () => ({ host: 'own.example.org', holds: () => true, networks }));
  const list = (keys: ReadonlyMap<string, string>) => (keys.get(META_KEY) as string).split(' ')[6] as string;
  const before = new Map(mapsOf(inventoryOf(names), open).keys);
  const after = new Map(mapsOf(inventoryOf(names), [...open, ...closed]).keys);

  it('finds everybody in the zone where it found them without: it looks at places alone', () => {
    expect(list(after)).toMatch(/^,10\.0\.,/);
    expect(list(after).endsWith(list(before))).toBe(true);
    for (const country of COUNTRIES.filter((code) => code !== '')) {
      for (const part of PARTS) expect(zoneOf(list(after), country, part)).toEqual(zoneOf(list(before), country, part));
    }
  });

  it('reads no key that names a private mirror', () => {
    const naming = [...after].filter(([, value]) => value.includes('own.example.org')).map(([key]) => key);
    // Four /16 and four others, over both schemes.
    expect(naming).toHaveLength(16);
    for (const key of naming) expect(key).toMatch(/^r0[0-9a-f.]+\*[sh]0$/);
  });
});
