import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { META_KEY, MOST_CLASSES, zoneOf } from '../core/edge-keys.ts';
import { Outcome } from '../core/observations.ts';
import { decide, type Tables } from '../edge-shim/decide.ts';
import { readRequest, type ViewerEvent } from '../edge-shim/request.ts';
import { MOST_TABLE_BYTES } from '../generator/maps/edge-tables.ts';
import type { Evidence } from '../generator/maps/evidence.ts';
import { fleetEvidence } from './fleet.ts';
import { evidenceOf, FALLBACK, inventoryOf, mapsOf, NOW_MS } from './small-build.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const OBJECTS = 3000;
const inventory = inventoryOf(Array.from({ length: OBJECTS }, (_, i) => `distfiles/${i}.tar.xz`));
const everything = () => true;

type Store = ReadonlyMap<string, string>;
const storeOf = (evidence: readonly Evidence[]): Store => new Map(mapsOf(inventory, evidence).keys);

/** The host a viewer is sent to (or `fallback`), the tier, and the reads it took. */
function sent(store: Store, over: Partial<ViewerEvent>): { host: string; tier: number; region: string; reads: number } {
  const event: ViewerEvent = {
    method: 'GET',
    uri: '/distfiles/7.tar.xz',
    query: {},
    ip: '192.0.2.7',
    country: 'US',
    subdivision: '',
    forwardedProto: 'https',
    ...over,
  };
  const request = readRequest(event, sha256);
  const tables: Tables = {};
  for (let reads = 0; ; reads++) {
    const decision = decide(request, tables, NOW_MS / 1000, FALLBACK);
    if (decision.kind === 'need') {
      expect(reads).toBeLessThan(4);
      tables[decision.key] = store.get(decision.key) ?? null;
      continue;
    }
    if (decision.kind !== 'redirect') return { host: 'fallback', tier: -1, region: '', reads };
    const { root, tier } = decision.holders[0] as (typeof decision.holders)[number];
    return { host: root.split('/')[0] as string, tier, region: decision.region, reads };
  }
}

const networks = Array.from({ length: 20_000 }, (_, i) => `${1 + (i >> 8)}.${i & 255}.7.9`);

describe('many mirrors in one country', () => {
  const weights = Array.from({ length: 25 }, (_, i) => (i % 5 === 0 ? 2 : 1));
  const evidence = weights.map((weight, i) =>
    evidenceOf(OBJECTS, { host: `us${i}.example.org`, country: 'US', protocol: 'https', holds: everything, weight }),
  );
  const abroad = evidenceOf(OBJECTS, { host: 'mx.example.org', country: 'MX', protocol: 'https', holds: everything });
  const store = storeOf([...evidence, abroad]);
  const hosts = networks.map((ip) => sent(store, { ip }).host);

  it('share its viewers by weight, in three reads', () => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [i, weight] of weights.entries()) {
      const share = hosts.filter((host) => host === `us${i}.example.org`).length / hosts.length;
      expect(share / (weight / total)).toBeGreaterThan(0.85);
      expect(share / (weight / total)).toBeLessThan(1.15);
    }
    expect(hosts).not.toContain('mx.example.org');
    expect(sent(store, {}).reads).toBe(3);
  });

  it('lose their viewers only when they go down, and then nobody else moves', () => {
    const meta = (store.get(META_KEY) as string).split(' ');
    const down = Number.parseInt(meta[5] as string, 16);
    expect(down).toBeGreaterThan(0);
    // Access point 4 is the first bit of the second digit.
    const digits = [...(meta[5] as string)];
    digits[1] = (Number.parseInt(digits[1] as string, 16) & 7).toString(16);
    const without = new Map(store).set(META_KEY, meta.with(5, digits.join('')).join(' '));
    const heirs = new Set<string>();
    networks.forEach((ip, i) => {
      const { host } = sent(without, { ip });
      if (hosts[i] === 'us4.example.org') heirs.add(host);
      else expect(host).toBe(hosts[i]);
    });
    expect(heirs.size).toBeGreaterThan(1);
    expect([...heirs].every((host) => /^us\d/.test(host) && host !== 'us4.example.org')).toBe(true);
  });

  it('have their viewers whatever stands elsewhere', () => {
    const crowd = Array.from({ length: 30 }, (_, i) =>
      evidenceOf(OBJECTS, { host: `ca${i}.example.org`, country: 'CA', protocol: 'https', holds: everything }),
    );
    const crowded = storeOf([...evidence, abroad, ...crowd]);
    for (const [i, ip] of networks.slice(0, 3000).entries()) expect(sent(crowded, { ip }).host).toBe(hosts[i]);
  });

  it('keep their viewers’ places while one is down for a while, and give its place away after a day', () => {
    const fallen = {
      ...(evidence[4] as Evidence),
      liveness: { state: 'down', sinceS: NOW_MS / 1000 - 600, checkedAtS: 0, reason: 'refused' },
    } as const;
    const rebuilt = storeOf(evidence.with(4, fallen));
    networks.slice(0, 3000).forEach((ip, i) => {
      const { host } = sent(rebuilt, { ip });
      if (hosts[i] === 'us4.example.org') expect(host).not.toBe(hosts[i]);
      else expect(host).toBe(hosts[i]);
    });
    const old = { ...fallen, liveness: { ...fallen.liveness, sinceS: 1 } };
    expect(
      mapsOf(inventory, evidence.with(4, old)).regions.find(({ region }) => region === 'US')?.https.excluded,
    ).toContainEqual({ number: 4, reason: 'down: refused' });
  });
});

describe('regions', () => {
  const point = (host: string, country: string, latitude: number, longitude: number): Evidence => {
    const evidence = evidenceOf(OBJECTS, { host, country, protocol: 'https', holds: everything });
    return { ...evidence, mirror: { ...evidence.mirror, places: [{ country, latitude, longitude }] } };
  };
  const store = storeOf([
    point('seattle', 'US', 47.6, -122.3),
    point('boston', 'US', 42.4, -71.1),
    point('toronto', 'CA', 43.7, -79.4),
    point('moscow', 'RU', 55.8, 37.6),
    point('tokyo', 'JP', 35.7, 139.7),
  ]);

  it.each([
    ['US', 'WA', 'seattle'],
    ['US', 'MA', 'boston'],
    ['RU', 'MOW', 'moscow'],
    ['RU', 'PRI', 'tokyo'],
    ['CA', 'BC', 'toronto'],
  ])('%s-%s: %s', (country, subdivision, host) => {
    expect(sent(store, { country, subdivision })).toMatchObject({ host, reads: 3 });
  });

  it('are the country’s where the part is not known, or is none of it', () => {
    for (const subdivision of ['', 'XX', '<x>', 'WA ']) {
      expect(['seattle', 'boston']).toContain(sent(store, { country: 'US', subdivision }).host);
    }
    expect(sent(store, { country: 'CA', subdivision: 'WA' }).host).toBe('toronto');
  });

  it('are what ?country= asks for, and the viewer’s own where that is nonsense', () => {
    expect(sent(store, { query: { country: 'jp' } }).host).toBe('tokyo');
    expect(sent(store, { query: { country: 'US-WA' }, country: 'RU', subdivision: 'MOW' }).host).toBe('seattle');
    for (const country of ['', 'X', 'U$', 'USA', 'DE\r\n', '__proto__']) {
      expect(sent(store, { query: { country }, country: 'JP' }).host).toBe('tokyo');
    }
  });

  it('share a table where they have equal candidates', () => {
    const meta = (store.get(META_KEY) as string).split(' ')[6] as string;
    expect(zoneOf(meta, 'US', 'OR').name).toBe(zoneOf(meta, 'US', 'WA').name);
    expect(zoneOf(meta, 'US', 'MA').name).not.toBe(zoneOf(meta, 'US', 'WA').name);
  });
});

describe('what mirrors ask for', () => {
  it('only and never: no viewer of a wrong country comes, also where nobody else holds the object', () => {
    const evidence = (['only', 'never'] as const).map((rule) => {
      const one = evidenceOf(OBJECTS, { host: rule, country: 'DE', protocol: 'https', holds: everything });
      return { ...one, mirror: { ...one.mirror, [rule]: ['DE'] } };
    });
    const store = storeOf(evidence);
    for (const ip of networks.slice(0, 200)) {
      expect(sent(store, { country: 'DE', ip }).host).toBe('only');
      expect(sent(store, { country: 'FR', ip }).host).toBe('never');
      expect(sent(store, { country: '', ip }).host).toBe('fallback');
    }
  });

  it('http viewers go to http, https viewers to https alone', () => {
    const store = storeOf([
      evidenceOf(OBJECTS, { host: 'near', country: 'US', protocol: 'http', holds: everything }),
      evidenceOf(OBJECTS, { host: 'far', country: 'JP', protocol: 'https', holds: everything }),
    ]);
    expect(sent(store, { forwardedProto: 'http' }).host).toBe('near');
    expect(sent(store, { forwardedProto: 'https' }).host).toBe('far');
  });
});

describe('a fleet as large as a large distribution’s', () => {
  // So many odd objects that the bound on classes is reached.
  const evidence = fleetEvidence(OBJECTS, 400);
  const maps = mapsOf(inventory, evidence);
  const store: Store = new Map(maps.keys);

  it('has tables of at most 0.6 MB, every value within the store’s limit', () => {
    let tableBytes = 0;
    let bytes = 0;
    for (const [key, value] of maps.keys) {
      expect(value.length).toBeLessThanOrEqual(1024);
      bytes += key.length + value.length;
      if (key.startsWith('r')) tableBytes += key.length + value.length;
    }
    expect(maps.table.classes.length).toBe(MOST_CLASSES);
    expect(tableBytes).toBeLessThanOrEqual(MOST_TABLE_BYTES);
    expect(bytes).toBeLessThan(1_000_000);
  });

  it('sends every region’s viewers to a holder, in three reads', () => {
    for (const { region } of maps.regions) {
      const [country, subdivision = ''] = region === '--' ? [''] : region.split('-');
      for (const id of [7, 11, OBJECTS - 30]) {
        const uri = `/distfiles/${id}.tar.xz`;
        const answer = sent(store, { country: country as string, subdivision, uri, ip: `10.${id & 255}.3.4` });
        if (answer.host === 'fallback') continue;
        const holder = evidence.find((one) => one.mirror.id === answer.host && one.accessPoint.protocol === 'https');
        expect(holder?.presence[id]).toBe(Outcome.present);
        if (answer.tier !== 99) expect(answer.reads).toBe(3);
      }
    }
  });

  it('gives each of the largest country’s mirrors viewers', () => {
    const hosts = new Set(networks.slice(0, 4000).map((ip) => sent(store, { ip, uri: '/distfiles/1000.tar.xz' }).host));
    const holders = evidence.filter(
      ({ mirror, accessPoint, presence }) =>
        mirror.places[0]?.country === 'US' && accessPoint.protocol === 'https' && presence[1000] === Outcome.present,
    );
    expect(holders.length).toBeGreaterThan(8);
    expect([...hosts].sort()).toEqual(holders.map(({ mirror }) => mirror.id).sort());
  });
});
