import { describe, expect, it } from 'vitest';
import { decodeStatus, encodeStatus } from '../core/formats/status-file.ts';
import type { ProbeRecord } from '../core/liveness.ts';
import type { Liveness, Observations } from '../core/observations.ts';
import { shownPath } from '../core/path-bytes.ts';
import type { AccessPointStatus, Status } from '../core/status.ts';
import {
  dayAt,
  mirrorList,
  probeOf,
  seeded,
  syntheticInventory,
  syntheticMirror,
  syntheticObservations,
} from '../test/synthetic.ts';
import { type SiteDataInput, siteData } from './site-data.ts';

const NOW_MS = Date.UTC(2026, 9, 1, 12);
const NOW_S = NOW_MS / 1000;
const EXPIRY_MS = 10 * 86_400_000;
const UP: Liveness = { state: 'up', sinceS: NOW_S - 9000, checkedAtS: NOW_S - 60, reason: '' };
const DOWN: Liveness = { state: 'down', sinceS: NOW_S - 9000, checkedAtS: NOW_S - 60, reason: 'status 503' };

const inventory = syntheticInventory(400, NOW_MS);
const mirrors = [
  syntheticMirror('up.example', 'Up', ['DE', 'DE', 'US'], ['https', 'rsync']),
  syntheticMirror('down.example', 'Down', ['XX'], ['http']),
  syntheticMirror('drained.example', 'Drained', ['FR'], ['https', 'ftp'], true),
];
const random = seeded(7);
const seen = new Map<string, Observations>(
  (
    [
      ['up.example.https', UP, 0.3],
      ['up.example.rsync', UP, 0.01],
      ['down.example.http', DOWN, 0.2],
      ['drained.example.https', UP, 0],
    ] as const
  ).map(([id, liveness, missing]) => [
    id,
    syntheticObservations(inventory, id, liveness, { missing, nowS: NOW_S, random }),
  ]),
);

const probes = new Map<string, ProbeRecord>([
  ['up.example.https', probeOf('up.example.https', 'https://up.example/gentoo/')],
]);
const histories = new Map([
  [
    'up.example.https',
    Array.from({ length: 60 }, (_, i) => dayAt(NOW_S - (59 - i) * 86_400, i % 3 === 0 ? null : i * 60)),
  ],
]);

function made(overrides: Partial<Pick<SiteDataInput, 'inventory' | 'observations' | 'probe'>> = {}): Status {
  return siteData({
    ...{ name: 'Gentoo', fallback: 'https://fallback.example/', inventory, expiryMs: EXPIRY_MS, nowMs: NOW_MS },
    mirrors: mirrorList(mirrors, NOW_MS - 3_600_000),
    observations: ({ id }) => seen.get(id) ?? null,
    probe: ({ id }) => probes.get(id) ?? null,
    history: ({ id }) => histories.get(id) ?? [],
    ...overrides,
  });
}

function accessPoint(status: Status, id: string): AccessPointStatus {
  return status.mirrors.flatMap((mirror) => mirror.accessPoints).find((point) => point.id === id)!;
}

/** Presence as its definition reads, an object at a time. */
function naivePresence(o: Observations, id: number): 'present' | 'absent' | 'different' | 'unknown' {
  const name = (['unknown', 'present', 'absent', 'different'] as const)[o.outcome[id] as 0 | 1 | 2 | 3];
  if (NOW_S - o.evidenceAtS[id]! > EXPIRY_MS / 1000) return 'unknown';
  const isDirectory = inventory.sizeBytes[id] === -1;
  if (name === 'present' && !isDirectory && o.sizeBytes[id] !== inventory.sizeBytes[id]) return 'unknown';
  return name;
}

const living = inventory.paths.map((_, id) => id).filter((id) => inventory.removedAtS[id] === 0);

describe('siteData', () => {
  it.each([...seen])('counts presence, trees, methods and failures of %s as one would by hand', (id, observations) => {
    const status = accessPoint(made(), id);
    const counted = { present: 0, absent: 0, different: 0, unknown: 0 };
    const trees: Record<string, { present: number; objects: number }> = {};
    const methods: Record<string, number> = {};
    const failures: Record<string, number> = {};
    for (const object of living) {
      const presence = naivePresence(observations, object);
      counted[presence]++;
      const path = inventory.paths[object]!;
      const tree = path.includes('/') ? path.split('/')[0]! : inventory.types[object] === 2 ? path : '';
      trees[tree] ??= { present: 0, objects: 0 };
      trees[tree].objects++;
      if (presence === 'present') trees[tree].present++;
      const method = observations.methods[observations.method[object]!]!;
      if (observations.outcome[object] !== 0) methods[method] = (methods[method] ?? 0) + 1;
      const failure = observations.failures[observations.failure[object]!]!;
      if (observations.failedAtS[object] !== 0) failures[failure] = (failures[failure] ?? 0) + 1;
    }
    expect(status.counts).toEqual(counted);
    expect(status.coverage).toBe(counted.present / living.length);
    expect(Object.fromEntries(status.trees.map(({ tree, ...rest }) => [tree, rest]))).toEqual(trees);
    expect(Object.fromEntries(status.methods.map((m) => [m.method, m.objects]))).toEqual(methods);
    expect(Object.fromEntries(status.failures.map((f) => [f.reason, f.objects]))).toEqual(failures);
    expect(status.failures.map((f) => f.objects)).toEqual(Object.values(failures).sort((a, b) => b - a));
    const times = living.map((object) => observations.evidenceAtS[object]!).filter((time) => time > 0);
    times.sort((a, b) => a - b);
    expect(status.evidence).toEqual({
      oldestS: times[0],
      medianS: times[(times.length - 1) >> 1],
      newestS: times.at(-1),
    });
  });

  it('names the first absent and different objects with the sizes', () => {
    const observations = seen.get('up.example.https')!;
    const of = (presence: string) => living.filter((id) => naivePresence(observations, id) === presence).slice(0, 50);
    const status = accessPoint(made(), 'up.example.https');
    const expected = (id: number) => ({
      path: shownPath(inventory.paths[id]!),
      expectedBytes: inventory.sizeBytes[id],
    });
    expect(status.absent).toEqual(of('absent').map(expected));
    const different = of('different').map((id) => ({ ...expected(id), foundBytes: observations.sizeBytes[id] }));
    expect(status.different).toEqual(different);
    expect(different.length).toBeGreaterThan(0);
  });

  it('calls an object held only where viewers are sent: http or https, up, not drained', () => {
    const servers = seen.get('up.example.https')!;
    const unheld = living.filter((id) => naivePresence(servers, id) !== 'present');
    const { count, first } = made().totals.unheld;
    expect(count).toBe(unheld.length);
    expect(first).toEqual(
      unheld.slice(0, 100).map((id) => ({
        path: shownPath(inventory.paths[id]!),
        firstSeenS: inventory.firstSeenS[id],
      })),
    );
  });

  it('says "not checked" where there are no observations, or none of liveness', () => {
    const status = made();
    expect(accessPoint(status, 'drained.example.ftp')).toMatchObject({
      state: 'not checked',
      reason: 'not checked yet',
      counts: { present: 0, absent: 0, different: 0, unknown: living.length },
      evidence: null,
      cost: null,
    });
    expect(status.totals.accessPoints).toEqual({ up: 3, failing: 0, down: 1, 'not checked': 1 });
  });

  it('tells what the last probe found beside the state, and where it was served in the end', () => {
    expect(accessPoint(made(), 'up.example.rsync').probe).toBeNull();
    const record = probes.get('up.example.https') as ProbeRecord;
    const changes = Array.from({ length: 15 }, (_, i) => ({ state: 'up', atS: NOW_S + i, reason: '' }) as const);
    const many = {
      ...record,
      history: changes,
      warnings: ['w'.repeat(5000), ...Array(20).fill('x')],
      finalHost: 'cdn:8',
    };
    const probe = accessPoint(made({ probe: () => many }), 'up.example.https').probe;
    expect(probe).toMatchObject({
      checkedAtS: NOW_S - 30,
      ipv4Up: true,
      ipv6Up: false,
      stampLagS: 7200,
      servedBy: 'cdn:8',
    });
    expect(probe?.warnings.map(({ length }) => length)).toEqual([301, ...Array(9).fill(1)]);
    expect(probe?.changes.map(({ atS }) => atS - NOW_S)).toEqual([14, 13, 12, 11, 10, 9, 8, 7, 6, 5]);
    expect(accessPoint(made(), 'up.example.https').probe?.servedBy).toBe('');
    const blind = { ...record, liveness: { ...record.liveness, checkedAtS: 0 } };
    expect(accessPoint(made({ probe: () => blind }), 'up.example.https').probe).toBeNull();
  });

  it('tells the view of each vantage, by name; of checks that were told of none, nothing', () => {
    const observations = { ...(seen.get('up.example.https') as Observations) };
    const report = (liveness: Liveness, roundTripMs: number | null) => {
      return { liveness, roundTripMs, cost: { startedAtS: 1, elapsedMs: 1, requests: 9, connections: 1 } };
    };
    observations.vantages = { '': report(UP, 1), west: report(DOWN, null), east: report(UP, 3.5) };
    expect(accessPoint(made({ observations: () => observations }), 'up.example.https').vantages).toEqual([
      { name: 'east', ...UP, roundTripMs: 3.5, requests: 9 },
      { name: 'west', ...DOWN, roundTripMs: null, requests: 9 },
    ]);
    expect(accessPoint(made(), 'up.example.https').vantages).toEqual([]);
  });

  it('shows the last thirty days of the history', () => {
    const { history } = accessPoint(made(), 'up.example.https');
    expect(history.map(({ day }) => day)).toEqual(
      histories
        .get('up.example.https')
        ?.slice(-30)
        .map(({ day }) => day),
    );
    expect(history.at(-1)?.day).toBe('2026-10-01');
    expect(accessPoint(made(), 'down.example.http').history).toEqual([]);
  });

  it('calls a day up as far as checks and probes both found it so', () => {
    const record = probes.get('up.example.https') as ProbeRecord;
    const dayS = Date.UTC(2026, 9, 1) / 1000;
    const probed = (checkedAtS: number, ...history: [Liveness['state'], number][]): ProbeRecord => ({
      ...record,
      liveness: { ...record.liveness, state: history.at(-1)?.[0] ?? 'up', checkedAtS },
      history: history.map(([state, atS]) => ({ state, atS, reason: '' })),
    });
    const shares = (probe: ProbeRecord) =>
      accessPoint(made({ probe: () => probe }), 'up.example.https')
        .history.slice(-3)
        .map(({ upShare }) => upShare);
    // Three of four checks found it up on each day.
    expect(shares(probed(dayS + 36_000, ['up', dayS - 999_999]))).toEqual([0.75, 0.75, 0.75]);
    expect(shares(probed(dayS + 36_000, ['up', dayS - 999_999], ['down', dayS + 9000]))).toEqual([0.75, 0.75, 0.25]);
    expect(shares(probed(dayS + 36_000, ['down', dayS - 43_200], ['up', dayS]))).toEqual([0.75, 0, 0.75]);
    expect(shares(probed(dayS - 9000, ['down', dayS - 9000]))).toEqual([0.75, 0, 0.75]);
  });

  it('reads a file from before probes, vantages and history were told of', () => {
    const old = JSON.parse(encodeStatus(made()));
    for (const mirror of old.mirrors) {
      for (const point of mirror.accessPoints) for (const key of ['probe', 'vantages', 'history']) delete point[key];
    }
    const point = accessPoint(decodeStatus(JSON.stringify(old), 'status.json'), 'up.example.https');
    expect([point.probe, point.vantages, point.history]).toEqual([null, [], []]);
  });

  it('sums up the tree, and names each country once', () => {
    const status = made();
    const ofType = (type: number) => living.filter((id) => inventory.types[id] === type).length;
    expect(status.totals.objects).toEqual({ files: ofType(0), symlinks: ofType(1), directories: ofType(2) });
    expect(status.mirrors.map((mirror) => mirror.countries)).toEqual([
      [
        { code: 'DE', name: 'Germany' },
        { code: 'US', name: 'United States' },
      ],
      [{ code: 'XX', name: 'XX' }],
      [{ code: 'FR', name: 'France' }],
    ]);
  });

  it('reports a coverage below 1 while a single object of many is missing', () => {
    const big = syntheticInventory(200_000, NOW_MS);
    const all = syntheticObservations(big, 'x', UP, { missing: 0, nowS: NOW_S, random });
    const complete = accessPoint(made({ inventory: big, observations: () => all }), 'up.example.https');
    expect(complete.coverage).toBe(1);
    all.outcome[5] = 2;
    const holed = accessPoint(made({ inventory: big, observations: () => all }), 'up.example.https');
    expect(holed.coverage).toBeLessThan(1);
    expect(holed.counts.absent).toBe(1);
  });

  it('cuts reasons that are too long for a table', () => {
    const observations = syntheticObservations(
      inventory,
      'x',
      { ...DOWN, reason: 'r'.repeat(5000) },
      { missing: 1, nowS: NOW_S, random },
    );
    observations.failures.splice(0, 3, 'f'.repeat(5000), 'g', 'h');
    const status = accessPoint(made({ observations: () => observations }), 'up.example.https');
    expect(status.reason).toHaveLength(301);
    expect(Math.max(...status.failures.map((failure) => failure.reason.length))).toBe(301);
  });

  it('survives the way through its file', () => {
    const status = made();
    expect(decodeStatus(encodeStatus(status), 'status.json')).toEqual(status);
  });
});
