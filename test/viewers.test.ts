import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { figuresOf } from '../bench/viewers/figures.ts';
import { populations } from '../bench/viewers/population.ts';
import { Edge, simulate } from '../bench/viewers/simulate.ts';
import { madeUpMirrors, worldOf } from '../bench/viewers/world.ts';
import { countryOf } from '../core/countries.ts';
import type { Mirror } from '../core/mirror.ts';
import { Outcome } from '../core/observations.ts';
import { buildMaps } from '../generator/maps/build.ts';
import { IPV6_VIEWERS } from '../generator/maps/families.ts';
import { type Region, rank } from '../generator/maps/rank.ts';
import { allRegions } from '../generator/maps/regions.ts';
import { inventoryOf, NOW_MS, RULES } from './small-build.ts';

const CODES = ['DE', 'FR', 'US', 'US-CA', 'CA', 'BR', 'IN', 'AU', 'ZA', 'JP', 'KE'];
const regions = CODES.map((code) => allRegions().find((region) => region.code === code) as Region);
const OBJECTS = 4;
const inventory = inventoryOf(Array.from({ length: OBJECTS }, (_, id) => `distfiles/${id}`));

/** A mirror of a fleet, and which objects it holds; the first is held by all. */
interface Made {
  readonly country: string;
  readonly weight: number;
  readonly ipv6: boolean;
  readonly drained: boolean;
  readonly only: readonly string[] | null;
  readonly never: readonly string[] | null;
  readonly networks: readonly string[] | null;
  readonly holds: number;
}

const country = fc.constantFrom('DE', 'FR', 'US', 'CA', 'BR', 'IN', 'AU', 'ZA', 'JP');
const plainMirror = fc.record<Made>({
  country,
  weight: fc.constantFrom(0.5, 1, 1, 2),
  ipv6: fc.boolean(),
  drained: fc.constant(false),
  only: fc.constant(null),
  never: fc.constant(null),
  networks: fc.constant(null),
  holds: fc.constant(-1),
});
const wilfulMirror = fc.record<Made>({
  country,
  weight: fc.constantFrom(0.5, 1, 2),
  ipv6: fc.boolean(),
  drained: fc.boolean(),
  only: fc.option(fc.subarray(['DE', 'US', 'IN'], { minLength: 1 })),
  never: fc.option(fc.subarray(['FR', 'BR', 'JP'], { minLength: 1 })),
  networks: fc.constant(null),
  holds: fc.nat(15),
});

/** Those of `networks` below are in some of them. */
const privateMirror = fc.record<Made>({
  country,
  weight: fc.constantFrom(0.5, 1, 2),
  ipv6: fc.boolean(),
  drained: fc.boolean(),
  only: fc.constant(null),
  never: fc.constant(null),
  networks: fc.subarray(['10.0.0.0/15', '10.4.7.0/24', '10.6.0.0/16', '2001:db8:1::/48', '2001:db8::/47'], {
    minLength: 1,
  }),
  holds: fc.nat(15),
});

function mirrorOf(made: Made, i: number): Mirror {
  const { latitude, longitude } = countryOf(made.country) as NonNullable<ReturnType<typeof countryOf>>;
  const id = `m${i}.example.org`;
  const accessPoints = (['https', 'http'] as const).map((protocol) => ({
    ...{ id: `${id}.${protocol}`, mirrorId: id, protocol, url: `${protocol}://${id}/`, ipv4: true },
    ...{ ipv6: made.ipv6, partial: false },
  }));
  return {
    ...{ id, name: id, weight: made.weight, drained: made.drained, accessPoints },
    places: [{ country: made.country, latitude, longitude }],
    ...(made.only === null ? {} : { only: made.only }),
    ...(made.never === null ? {} : { never: made.never }),
    ...(made.networks === null ? {} : { networks: made.networks }),
  };
}

/** Who gets a viewer: a place in the fleet, or -1 for the fallback. */
type Ask = (region: string, network: string, object?: number, scheme?: 'https' | 'http') => number;

function edgeOf(fleet: readonly Made[]): Ask {
  const mirrors = fleet.map(mirrorOf);
  const evidence = mirrors.flatMap((mirror, place) =>
    mirror.accessPoints.map((accessPoint) => ({
      mirror,
      accessPoint,
      presence: Uint8Array.from({ length: OBJECTS }, (_, id) =>
        ((fleet[place] as Made).holds >> id) % 2 !== 0 ? Outcome.present : Outcome.absent,
      ),
      liveness: { state: 'up', sinceS: 0, checkedAtS: 0, reason: '' } as const,
    })),
  );
  const timed = { previous: null, nowMs: NOW_MS, staleAfterMs: 1e9 };
  const { keys } = buildMaps({ inventory, evidence, regions, ...timed, rules: RULES });
  const points = mirrors.flatMap((_, mirror) => ['https', 'http'].map((protocol) => ({ protocol, mirror })));
  const edge = new Edge({ mirrors, points, keys });
  return (region, ip, object = 0, scheme = 'https') => {
    const [code = '', subdivision = ''] = region.split('-');
    const event = { method: 'GET', query: {}, ip, country: code, subdivision, forwardedProto: scheme };
    return edge.mirrorsFor(edge.request({ region, event }, `/distfiles/${object}`), -1).mirrors[0] ?? -1;
  };
}

const networks = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? `10.${i}.7.9` : `2001:db8:${i}:1::9`));

/** A part of a country may be served by the country's table. */
function tablesFor(region: Region): readonly Region[] {
  return regions.filter(({ code }) => code === region.code || code === region.country);
}

function tierOf(region: Region, made: Made): number {
  const { places, weight } = mirrorOf(made, 0);
  const ranking = rank(region, [{ number: 0, places, weight, ipv6: made.ipv6, unfit: null }]);
  return ranking.accepted[0]?.tier as number;
}

describe('a mirror’s viewers', () => {
  it('depend on no mirror that it does not compete with', { timeout: 60_000 }, () => {
    const fleets = fc.array(plainMirror, { minLength: 1, maxLength: 25 });
    let unmoved = 0;
    fc.assert(
      fc.property(fleets, plainMirror, (fleet, newcomer) => {
        const [before, after] = [edgeOf(fleet), edgeOf([...fleet, newcomer])];
        for (const region of regions) {
          for (const network of networks) {
            const own = before(region.code, network);
            const chosen = fleet[own] as Made;
            const hasMissingFamily = network.includes(':') && newcomer.ipv6 && !chosen.ipv6;
            if (hasMissingFamily || tablesFor(region).some((one) => tierOf(one, newcomer) <= tierOf(one, chosen)))
              continue;
            expect(after(region.code, network)).toBe(own);
            unmoved++;
          }
        }
      }),
      { numRuns: 60 },
    );
    expect(unmoved).toBeGreaterThan(1000);
  });

  it('are its part of the weight of those that compete, over both families together', { timeout: 60_000 }, () => {
    const viewers = 6_000;
    const near = fc.array(fc.tuple(fc.constantFrom(0.5, 1, 2, 3), fc.boolean()), { minLength: 1, maxLength: 5 });
    let mixed = 0;
    fc.assert(
      fc.property(near, (mirrors) => {
        const weightOf = (some: readonly (readonly [number, boolean])[]) =>
          some.reduce((sum, [weight]) => sum + weight, 0);
        const total = weightOf(mirrors);
        const withIpv6 = weightOf(mirrors.filter(([, ipv6]) => ipv6));
        fc.pre(withIpv6 > 0.6 * total);
        if (withIpv6 < total) mixed++;
        const made = mirrors.map(([weight, ipv6]) => ({ ...PLAIN, country: 'DE', weight, ipv6 }));
        const ask = edgeOf([...made, { ...PLAIN, country: 'JP', weight: 5, ipv6: true }]);
        const counts = new Array<number>(made.length + 1).fill(0);
        for (let i = 0; i < viewers; i++) {
          const isIpv6 = i % 100 < 100 * IPV6_VIEWERS;
          const place = ask('DE', isIpv6 ? `2001:db8:${i.toString(16)}::1` : `${1 + (i >> 8)}.${i & 255}.3.4`);
          counts[place] = (counts[place] as number) + 1;
        }
        for (const [i, [weight]] of mirrors.entries()) {
          const share = weight / total;
          // Five standard deviations of a binomial distribution.
          const most = 5 * Math.sqrt(viewers * share * (1 - share));
          expect(Math.abs((counts[i] as number) - viewers * share)).toBeLessThanOrEqual(most);
        }
        expect(counts.at(-1)).toBe(0);
      }),
      { numRuns: 25, seed: 7 },
    );
    expect(mixed).toBeGreaterThan(5);
  });

  it('are those it wants, of objects that it holds; a drained one has none', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.array(wilfulMirror, { minLength: 1, maxLength: 20 }), (fleet) => {
        const ask = edgeOf(fleet);
        for (const region of [...CODES, '']) {
          for (const [i, network] of networks.slice(0, 8).entries()) {
            const object = i % OBJECTS;
            const place = ask(region, network, object, i % 3 === 0 ? 'http' : 'https');
            if (place < 0) continue;
            const { drained, only, never, holds } = fleet[place] as Made;
            const from = region.slice(0, 2);
            expect(drained).toBe(false);
            expect((holds >> object) % 2).toBe(1);
            if (only !== null) expect(only).toContain(from);
            if (never !== null) expect(never).not.toContain(from);
            if (never !== null) expect(from).not.toBe('');
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('private networks', () => {
  const isIn = (ip: string, { networks: own }: Made) => own !== null && isInside(ip, own);

  it('alone get their mirrors, and these before all others that they could have', { timeout: 60_000 }, () => {
    const fleets = fc.tuple(
      fc.array(wilfulMirror, { minLength: 1, maxLength: 12 }),
      fc.array(privateMirror, { minLength: 1, maxLength: 3 }),
    );
    const seen = { own: 0, public: 0, outside: 0 };
    fc.assert(
      fc.property(fleets, ([open, closed]) => {
        const fleet = [...open, ...closed];
        const ask = edgeOf(fleet);
        for (const region of ['DE', 'US-CA', 'FR', '']) {
          for (const [i, network] of networks.slice(0, 8).entries()) {
            const object = i % OBJECTS;
            const holdsIt = (made: Made) => !made.drained && (made.holds >> object) % 2 === 1;
            const place = ask(region, network, object, i % 3 === 0 ? 'http' : 'https');
            const chosen = fleet[place] ?? null;
            if (chosen?.networks != null) expect(isIn(network, chosen)).toBe(true);
            if (chosen !== null) expect(holdsIt(chosen)).toBe(true);
            const own = closed.filter((made) => isIn(network, made) && holdsIt(made));
            const isServed = own.some(({ ipv6 }) => ipv6 || !network.includes(':'));
            if (isServed) expect(chosen?.networks ?? null).not.toBeNull();
            const isForAll = open.some((made) => holdsIt(made) && made.only === null && made.never === null);
            const isInside = closed.some((made) => !made.drained && isIn(network, made));
            // These few regions have no table for viewers from nowhere; those of a network have one wherever they are.
            if (isForAll && (region !== '' || isInside)) expect(place).toBeGreaterThanOrEqual(0);
            seen[isServed ? 'own' : isInside ? 'public' : 'outside']++;
          }
        }
      }),
      { numRuns: 150 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(300);
  });

  it('change nothing for anybody outside', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.array(wilfulMirror, { minLength: 1, maxLength: 8 }), fc.array(privateMirror), (open, closed) => {
        const [without, within] = [edgeOf(open), edgeOf([...open, ...closed])];
        for (const region of CODES) {
          for (const [i, network] of networks.slice(0, 8).entries()) {
            if (closed.some((made) => isIn(network, made))) continue;
            expect(within(region, network, i % OBJECTS)).toBe(without(region, network, i % OBJECTS));
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});

function isInside(ip: string, own: readonly string[]): boolean {
  const inside = new BlockList();
  const familyOf = (address: string) => (address.includes(':') ? 'ipv6' : 'ipv4');
  for (const [address = '', bits] of own.map((cidr) => cidr.split('/'))) {
    inside.addSubnet(address, Number(bits), familyOf(address));
  }
  return inside.check(ip, familyOf(ip));
}

const PLAIN: Made = {
  country: 'DE',
  weight: 1,
  ipv6: false,
  drained: false,
  only: null,
  never: null,
  networks: null,
  holds: -1,
};

describe('a world of viewers', () => {
  const { countries, leftOut, unknown } = populations();
  const world = worldOf(madeUpMirrors(), countries);
  const counts = simulate({ world, countries, seed: 3, viewers: 20_000 });
  const figures = figuresOf(world, counts);

  it('has the people of all countries but a few small ones', () => {
    expect(countries.length).toBeGreaterThan(230);
    expect(new Set(countries.map(({ code }) => code)).size).toBe(countries.length);
    expect(leftOut).toEqual(['Cabo Verde', 'England', 'Northern Ireland', 'Scotland', 'Wales']);
    expect(unknown).not.toContain('China');
    expect(countries.reduce((sum, { people }) => sum + people, 0)).toBeGreaterThan(7.4e9);
  });

  it('is sent to the nearest there are, but for those without IPv6', () => {
    expect(figures.fallback).toBe(0);
    expect(figures.farBeforeNear).toBeLessThanOrEqual(counts.farForIpv6 / figures.viewers);
    const within = (found: 'share' | 'nearest') =>
      figures.distances.slice(0, 4).reduce((sum, one) => sum + one[found], 0);
    expect(within('share')).toBeGreaterThan(0.98 * within('nearest'));
  });

  it('stays where it is when another mirror goes down', () => {
    expect(counts.askedAgain).toBeGreaterThan(2000);
    expect(counts.moved).toBe(0);
  });

  it('is spread over the competitors of a mirror that goes down, and over the few holders of a scarce object', () => {
    for (const { mirror, share, heirs } of figures.mirrors) {
      if (share > 0.005) expect(heirs, mirror.id).toBeGreaterThan(1);
    }
    expect(Object.keys(counts.scarce).map(Number).sort()).toEqual([...world.scarceHolders].sort());
    const total = Object.values(counts.scarce).reduce((sum, count) => sum + count, 0);
    for (const count of Object.values(counts.scarce)) expect(count / total).toBeGreaterThan(0.1);
  });
});
