import { emptyObservations } from '../core/formats/observations-file.ts';
import { dayOf, type HistoryDay } from '../core/history.ts';
import { type LoadedInventory, ObjectType } from '../core/inventory.ts';
import type { ProbeRecord } from '../core/liveness.ts';
import type { Mirror, MirrorList, Protocol } from '../core/mirror.ts';
import { type Liveness, type Observations, Outcome } from '../core/observations.ts';
import { pathFromLatin1 } from '../core/path-bytes.ts';

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A tree of `count` objects and more: trees of different sizes, links, removed objects, names that need escaping. */
export function syntheticInventory(count: number, takenAtMs: number, random = seeded(1)): LoadedInventory {
  const names = ['distfiles', 'releases', 'README', '<script>alert(1)<', 'distfiles/a b&"c\'', 'snapshots/caf\xc3\xa9'];
  for (let i = names.length; i < count; i++)
    names.push(`${random() < 0.8 ? 'distfiles' : 'releases'}/file-${i}.tar.xz`);
  const types = Uint8Array.from(names, (_, i) => (i < 2 ? ObjectType.directory : i % 5 === 0 ? ObjectType.symlink : 0));
  return {
    takenAtMs,
    paths: names.map(pathFromLatin1),
    types,
    sizeBytes: Float64Array.from(types, (type) => (type === ObjectType.directory ? -1 : Math.floor(random() * 1e6))),
    mtimeS: new Float64Array(names.length),
    targets: names.map(() => ''),
    leadsTo: Int32Array.from(names, (_, i) => i),
    firstSeenS: Uint32Array.from(names, () => takenAtMs / 1000 - Math.floor(random() * 1e6)),
    removedAtS: Uint32Array.from(names, (_, i) => (i % 11 === 10 ? takenAtMs / 1000 : 0)),
  };
}

/** Evidence of all kinds, young and old, of the present size and others; about `missing` of it is no presence. */
export function syntheticObservations(
  inventory: LoadedInventory,
  accessPointId: string,
  liveness: Liveness,
  { missing, nowS, random }: { missing: number; nowS: number; random: () => number },
): Observations {
  const count = inventory.paths.length;
  const observations = emptyObservations(accessPointId, `https://${accessPointId}/`, count, nowS);
  observations.liveness = liveness;
  observations.cost = { startedAtS: nowS - 600, elapsedMs: 93_400, requests: count + 2, connections: 4 };
  observations.methods.push('http-head', 'rsync', 'rsync+sample', 'ftp');
  observations.failures.push(
    'no answer within 10 s',
    'status 503',
    '"<img src=x onerror=alert(1)>" \u202eis no status',
  );
  for (let id = 0; id < count; id++) {
    const good = random() >= missing;
    const outcome = good ? Outcome.present : Math.floor(random() * 4);
    observations.outcome[id] = outcome;
    if (outcome === Outcome.present || outcome === Outcome.different) {
      observations.sizeBytes[id] = (inventory.sizeBytes[id] as number) + (good ? 0 : Math.floor(random() * 3));
    }
    if (outcome !== Outcome.none) {
      observations.evidenceAtS[id] = nowS - Math.floor(random() * (good ? 3 : 20) * 86_400);
      observations.method[id] = 1 + Math.floor(random() * (observations.methods.length - 1));
    }
    if (!good && random() < 0.5) {
      observations.failedAtS[id] = nowS - 60;
      observations.failure[id] = Math.floor(random() * observations.failures.length);
    }
  }
  return observations;
}

/** What a probe half a minute ago found: up over IPv4 alone, two hours behind. */
export function probeOf(accessPointId: string, url: string, nowS = Date.UTC(2026, 9, 1, 12) / 1000): ProbeRecord {
  return {
    accessPointId,
    url,
    liveness: { state: 'up', sinceS: nowS - 9000, checkedAtS: nowS - 30, reason: '' },
    ...{ ipv4Up: true, ipv6Up: false, finalHost: new URL(url).host, stampLagS: 7200 },
    ...{ certificateValidToS: nowS + 40 * 86_400, warnings: [], knownObjects: [], history: [] },
    cost: { startedAtS: nowS - 31, elapsedMs: 400, requests: 6, connections: 1 },
  };
}

/** A day with four checks, of which one found it not up. */
export function dayAt(checkedAtS: number, lagS: number | null, coverage = 0.98): HistoryDay {
  return { day: dayOf(checkedAtS), checkedAtS, coverage, checks: 4, checksUp: 3, lagS, requests: 1200 };
}

/** A mirror with an access point for each protocol. */
export function syntheticMirror(
  id: string,
  name: string,
  countries: readonly string[],
  protocols: readonly Protocol[],
  drained = false,
): Mirror {
  return {
    id,
    name,
    places: countries.map((country) => ({ country, latitude: 0, longitude: 0 })),
    weight: 1,
    drained,
    accessPoints: protocols.map((protocol) => ({
      id: `${id}.${protocol}`,
      mirrorId: id,
      protocol,
      url: `${protocol}://${id}/gentoo/`,
      ipv4: true,
      ipv6: protocol !== 'ftp',
      partial: protocol === 'ftp',
    })),
  };
}

export function mirrorList(mirrors: readonly Mirror[], takenAtMs: number): MirrorList {
  return { version: 1, takenAtMs, mirrors, notes: ['"<b>x</b>": country "UK" read as GB'] };
}
