import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { META_KEY } from '../core/edge-keys.ts';
import { Outcome } from '../core/observations.ts';
import { silentProgress } from '../core/progress.ts';
import { loadBuiltFunction } from '../edge-shim/built-function.ts';
import { bundleFunction } from '../edge-shim/bundle.ts';
import { decide, type Tables } from '../edge-shim/decide.ts';
import { readRequest } from '../edge-shim/request.ts';
import { type Evidence, isUp } from '../generator/maps/evidence.ts';
import { prove } from '../generator/publish/replay/prove.ts';
import { fleetEvidence, MIRRORS_BY_COUNTRY } from './fleet.ts';
import { FALLBACK, inventoryOf, mapsOf, NOW_MS } from './small-build.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const OBJECTS = 1200;
const inventory = inventoryOf(Array.from({ length: OBJECTS }, (_, i) => `distfiles/${i}.tar.xz`));
const fleet = fleetEvidence(OBJECTS, 60);
const COUNTRIES = [...MIRRORS_BY_COUNTRY.matchAll(/[A-Z]{2}/g)].map(String);
const SCHEMES = ['https', 'http'] as const;

/** The fleet with all mirrors of some countries down for an hour: they keep their places in the tables. */
function without(countries: readonly string[]): Evidence[] {
  const sinceS = NOW_MS / 1000 - 3600;
  const liveness = { state: 'down', sinceS, checkedAtS: sinceS, reason: 'time-out' } as const;
  return fleet.map((one) => (countries.includes(one.mirror.places[0]?.country as string) ? { ...one, liveness } : one));
}

/** Of all objects and viewers all over a country and its neighbours: how many get the fallback although somebody has it. */
function missed(keys: ReadonlyMap<string, string>, truth: readonly Evidence[], countries: readonly string[]): number {
  const isHeld = Object.fromEntries(
    SCHEMES.map((scheme) => {
      const live = truth.filter((one) => one.accessPoint.protocol === scheme && isUp(one));
      return [scheme, inventory.paths.map((_, id) => live.some(({ presence }) => presence[id] === Outcome.present))];
    }),
  );
  let count = 0;
  for (const [at, country] of countries.entries()) {
    for (let id = 0; id < OBJECTS; id++) {
      const scheme = SCHEMES[(id + at) % 2] as 'https' | 'http';
      if (isHeld[scheme]?.[id] && isFallback(keys, country, scheme, id)) count++;
    }
  }
  return count;
}

function isFallback(keys: ReadonlyMap<string, string>, country: string, scheme: string, id: number): boolean {
  const uri = `/${inventory.paths[id]}`;
  const ip = id % 5 === 0 ? `2001:db8:${id}::1` : `${1 + (id % 200)}.${id % 17}.4.1`;
  const event = { method: 'GET', uri, query: {}, ip, country, subdivision: '', forwardedProto: scheme };
  const request = readRequest(event, sha256);
  const tables: Tables = {};
  for (let reads = 0; ; reads++) {
    const decision = decide(request, tables, NOW_MS / 1000, FALLBACK);
    if (decision.kind !== 'need') return decision.kind === 'fallback';
    expect(reads).toBeLessThan(4);
    tables[decision.key] = keys.get(decision.key) ?? null;
  }
}

/** As `meta` has them: access points are numbered in the order of the evidence. */
function upDigits(truth: readonly Evidence[]): string {
  const bits = truth.map((one) => (isUp(one) ? '1' : '0')).join('');
  return (bits.match(/.{1,4}/g) as string[])
    .map((four) => Number.parseInt(four.padEnd(4, '0'), 2).toString(16))
    .join('');
}

describe('when all mirrors of a country go down', () => {
  const before = mapsOf(inventory, fleet);

  it('its viewers are sent to those that are up elsewhere at once, by `meta` alone', { timeout: 120_000 }, () => {
    const fields = (new Map(before.keys).get(META_KEY) as string).split(' ');
    for (const country of COUNTRIES) {
      const truth = without([country]);
      const keys = new Map(before.keys).set(META_KEY, fields.with(5, upDigits(truth)).join(' '));
      expect(missed(keys, truth, [country]), country).toBe(0);
    }
  });

  it('and at the next build, when nothing more need be known', { timeout: 120_000 }, () => {
    for (const gone of [['DE'], ['CN'], ['QA'], ['DE', 'US', 'FR', 'NL'], ['CN', 'JP', 'KR', 'HK', 'TW']]) {
      const truth = without(gone);
      const keys = new Map(mapsOf(inventory, truth, before.table).keys);
      expect(missed(keys, truth, [...gone.slice(0, 2), 'LI', '']), gone.join()).toBe(0);
    }
  });

  it('what tells viewers of it can be published', { timeout: 120_000 }, async () => {
    const functionCode = await bundleFunction(FALLBACK);
    for (const country of ['CN', 'DE']) {
      const truth = without([country]);
      const maps = mapsOf(inventory, truth, before.table);
      const proof = await prove(
        {
          policy: { fallback: FALLBACK, upgrade: false },
          load: (code, keys) => loadBuiltFunction(code, keys, 'function.js'),
          loadElsewhere: () => null,
          context: { progress: silentProgress, signal: new AbortController().signal },
        },
        { inventory, evidence: truth, table: maps.table, maps: maps.regions },
        { functionCode, keys: new Map(maps.keys) },
      );
      expect(proof.replay, country).toMatchObject({ wrong: 0, missed: 0 });
    }
  });
});
