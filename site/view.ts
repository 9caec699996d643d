import type { AccessPointState, AccessPointStatus, MirrorStatus, Status } from '../core/status.ts';

/** A row of the overview's table. */
export interface Row {
  readonly mirror: MirrorStatus;
  readonly accessPoint: AccessPointStatus;
  /** The row above is of the same mirror. */
  readonly again: boolean;
}

/** The access points of a country. */
export interface Group {
  /** An anchor: letters, digits and hyphens. */
  readonly anchor: string;
  readonly name: string;
  readonly up: number;
  readonly rows: readonly Row[];
}

const SEVERAL = 'Several countries';

/**
 * Every access point once: by country, then by mirror, in the order of their names. Mirrors that stand in several
 * countries come last, together.
 */
export function groupsOf(status: Status): Group[] {
  const byCountry = new Map<string, MirrorStatus[]>();
  for (const mirror of status.mirrors) {
    const name = mirror.countries.length > 1 ? SEVERAL : (mirror.countries[0]?.name ?? 'Unknown');
    byCountry.set(name, [...(byCountry.get(name) ?? []), mirror]);
  }
  const last = (name: string) => (name === SEVERAL ? 1 : 0);
  const names = [...byCountry.keys()].sort((a, b) => last(a) - last(b) || a.localeCompare(b, 'en'));
  return names.map((name, i) => {
    const mirrors = (byCountry.get(name) as MirrorStatus[]).sort((a, b) => a.name.localeCompare(b.name, 'en'));
    const rows = mirrors.flatMap((mirror) =>
      mirror.accessPoints.map((accessPoint, i) => ({ mirror, accessPoint, again: i > 0 })),
    );
    const up = rows.filter((row) => row.accessPoint.state === 'up').length;
    return { anchor: anchorOf(mirrors[0] as MirrorStatus, i), name, up, rows };
  });
}

function anchorOf(mirror: MirrorStatus, index: number): string {
  const code = mirror.countries.length > 1 ? 'several' : mirror.countries[0]?.code;
  return code !== undefined && /^[A-Za-z]+$/.test(code) ? `country-${code.toLowerCase()}` : `country-${index}`;
}

/** What one vantage says of all that it checks. */
export interface VantageView {
  readonly name: string;
  readonly states: Readonly<Record<AccessPointState, number>>;
  /** Of its newest check, in seconds since 1970. */
  readonly checkedAtS: number;
  /** Median over its access points; null where none was measured. */
  readonly roundTripMs: number | null;
}

/** By name. */
export function vantagesOf(status: Status): VantageView[] {
  const all = status.mirrors.flatMap(({ accessPoints }) => accessPoints).flatMap(({ vantages }) => vantages);
  const names = [...new Set(all.map(({ name }) => name))].sort();
  return names.map((name) => {
    const own = all.filter((vantage) => vantage.name === name);
    const states = { up: 0, failing: 0, down: 0, 'not checked': 0 };
    for (const { state } of own) states[state]++;
    const times = own.flatMap(({ roundTripMs }) => roundTripMs ?? []).sort((a, b) => a - b);
    const checkedAtS = Math.max(...own.map((vantage) => vantage.checkedAtS));
    return { name, states, checkedAtS, roundTripMs: times[times.length >> 1] ?? null };
  });
}

/** Figures of the overview that are no sums of the file. */
export function overviewOf(status: Status) {
  const { objects, accessPoints } = status.totals;
  return {
    objects: objects.files + objects.symlinks + objects.directories,
    accessPoints: accessPoints.up + accessPoints.failing + accessPoints.down + accessPoints['not checked'],
    mirrorsUp: status.mirrors.filter((mirror) => mirror.accessPoints.some(({ state }) => state === 'up')).length,
    groups: groupsOf(status),
    vantages: vantagesOf(status),
  };
}
