import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ObjectTable } from '../core/formats/map-file.ts';
import { decide, type Tables } from '../edge-shim/decide.ts';
import { readRequest } from '../edge-shim/request.ts';
import { buildMaps, type Maps } from '../generator/maps/build.ts';
import type { Evidence } from '../generator/maps/evidence.ts';
import { allRegions } from '../generator/maps/regions.ts';
import { fleetEvidence } from './fleet.ts';
import { evidenceOf, FALLBACK, inventoryOf, NOW_MS, RULES } from './small-build.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const inventory = inventoryOf(['distfiles/7']);
const regions = allRegions().filter(({ code }) => code === 'DE');
const networks = Array.from({ length: 3000 }, (_, i) => `${1 + (i >> 8)}.${i & 255}.7.9`);

function mirror(host: string, over: { weight?: number; ipv6?: boolean; protocol?: 'http' } = {}): Evidence {
  return evidenceOf(1, { host, country: 'DE', protocol: 'https', holds: () => true, ...over });
}

const fleetOf = (count: number, over: (i: number) => { weight?: number; ipv6?: boolean } = () => ({})) =>
  Array.from({ length: count }, (_, i) => mirror(`de${i}`, over(i)));

const gone = (one: Evidence): Evidence => ({
  ...one,
  liveness: { state: 'down', sinceS: NOW_MS / 1000 - 25 * 3600, checkedAtS: 0, reason: 'refused' },
});

const timed = { nowMs: NOW_MS, staleAfterMs: 1e9 };

const overHttp = (one: Evidence): Evidence => {
  const accessPoint = {
    ...one.accessPoint,
    id: `${one.accessPoint.id}.http`,
    protocol: 'http',
    url: one.accessPoint.url.replace('https', 'http'),
  } as const;
  return { ...one, accessPoint };
};

interface Dealt {
  readonly table: ObjectTable;
  /** By network. */
  readonly hosts: readonly string[];
}

/** Whom each network gets, over https. */
function dealt(evidence: readonly Evidence[], previous: ObjectTable | null): Dealt {
  const { table, keys } = buildMaps({ inventory, evidence, regions, previous, ...timed, rules: RULES });
  return { table, hosts: hostsOf(keys, 'DE') };
}

function hostsOf(keys: Maps['keys'], country: string): string[] {
  const store = new Map(keys);
  return networks.map((ip) => {
    const viewer = { query: {}, ip, country, subdivision: '', forwardedProto: 'https' };
    const request = readRequest({ method: 'GET', uri: '/distfiles/7', ...viewer }, sha256);
    const tables: Tables = {};
    for (;;) {
      const decision = decide(request, tables, NOW_MS / 1000, FALLBACK);
      if (decision.kind === 'redirect') return decision.holders[0]?.root.split('/')[0] as string;
      if (decision.kind !== 'need') return decision.kind;
      tables[decision.key] = store.get(decision.key) ?? null;
    }
  });
}

/** The part of the networks that moved from a host that is still there to another that was: needlessly. */
function moved(before: Dealt, after: Dealt): number {
  const [was, is] = [new Set(before.hosts), new Set(after.hosts)];
  const count = before.hosts.filter(
    (host, i) => host !== after.hosts[i] && is.has(host) && was.has(after.hosts[i] as string),
  );
  return count.length / networks.length;
}

const COUNTS = Array.from({ length: 21 }, (_, i) => i + 5);

describe.each(COUNTS)('of %i mirrors of a country', (count) => {
  const fleet = fleetOf(count);
  const before = dealt(fleet, null);

  it('a newcomer moves few viewers to any other', () => {
    const after = dealt([...fleet, mirror('new')], before.table);
    expect(after.hosts.filter((host) => host === 'new').length / networks.length).toBeGreaterThan(0.7 / (count + 1));
    expect(moved(before, after)).toBeLessThanOrEqual(1.5 / (count + 1));
  });

  it('one that is gone for more than a day moves few viewers of others', () => {
    const after = dealt(fleet.with(1, gone(fleet[1] as Evidence)), before.table);
    expect(after.hosts).not.toContain('de1');
    expect(moved(before, after)).toBeLessThanOrEqual(1.5 / count);
  });
});

describe('mirrors over http alone', () => {
  it('move nobody over https, however many come', () => {
    for (const count of [4, 6, 10, 16]) {
      const fleet = fleetOf(count);
      const before = dealt(fleet, null);
      const more = Array.from({ length: 9 }, (_, i) => mirror(`http${i}`, { protocol: 'http' }));
      const after = dealt([...fleet, ...fleet.map(overHttp), ...more], before.table);
      expect(after.hosts).toEqual(before.hosts);
    }
  });
});

describe('mirrors of several weights and families', () => {
  it('that come and go move few viewers of others', () => {
    const fleet = fleetOf(14, (i) => ({ weight: [1, 2, 1, 0.5, 1][i % 5] as number, ipv6: i % 3 !== 0 }));
    const before = dealt(fleet, null);
    for (const newcomer of [mirror('new', { ipv6: true }), mirror('new', { weight: 2 })]) {
      expect(moved(before, dealt([...fleet, newcomer], before.table))).toBeLessThanOrEqual(1.5 / 15);
    }
    for (const i of [0, 1, 3]) {
      const without = fleet.with(i, gone(fleet[i] as Evidence));
      expect(moved(before, dealt(without, before.table))).toBeLessThanOrEqual(1.5 / 14);
    }
  });
});

describe('tables that got coarser', () => {
  const objects = 3000;
  const all = inventoryOf(Array.from({ length: objects }, (_, i) => `distfiles/${i === 1500 ? 7 : `f${i}`}`));
  const built = (odd: number, before: ObjectTable | null) => {
    const evidence = fleetEvidence(objects, odd);
    // The classes are others; access points have the same numbers.
    const none = { classes: [[]], unusedSinceS: new Uint32Array(1), retiredAtS: new Uint32Array(1) };
    const previous = before === null ? null : { ...before, ...none };
    return buildMaps({ inventory: all, evidence, regions: allRegions(), previous, ...timed, rules: RULES });
  };
  const coarse = built(320, null);

  it('stay so, and move nobody, until there is plenty of room', { timeout: 60_000 }, () => {
    expect(coarse.table.dealing?.fineness).toBe(1);
    const fewer = built(240, null);
    expect(fewer.table.dealing?.fineness).toBe(0);
    const next = built(240, coarse.table);
    expect(next.table.dealing?.fineness).toBe(1);
    for (const country of ['NG', 'DE', 'PE'])
      expect(hostsOf(next.keys, country)).toEqual(hostsOf(coarse.keys, country));
    expect(built(60, next.table).table.dealing?.fineness).toBe(0);
  });
});
