import { countryOf } from '../core/countries.ts';
import { emptyObservations } from '../core/formats/observations-file.ts';
import type { HistoryDay } from '../core/history.ts';
import { type Inventory, ObjectType } from '../core/inventory.ts';
import type { ProbeRecord } from '../core/liveness.ts';
import type { AccessPoint, Mirror, MirrorList } from '../core/mirror.ts';
import type { Observations } from '../core/observations.ts';
import { shownPath } from '../core/path-bytes.ts';
import type { AccessPointState, MirrorStatus, Status, StatusTotals } from '../core/status.ts';
import { accessPointStatus } from './site-data/access-point.ts';
import { probeStatus, recentDays } from './site-data/reports.ts';
import { type Tree, treeOf } from './site-data/tree.ts';

const MAX_UNHELD_SAMPLES = 100;

export interface SiteDataInput {
  /** Of the distribution. */
  readonly name: string;
  /** URL of the host that serves what no mirror is known to hold. */
  readonly fallback: string;
  /** A `https:` or `mailto:` URL for administrators of mirrors; '' or left out = not told. */
  readonly contact?: string;
  readonly inventory: Inventory;
  readonly mirrors: MirrorList;
  /** Called once for each access point, one after the other; null where nothing is known. */
  readonly observations: (accessPoint: AccessPoint) => Observations | null;
  /** What the last probe found; null where there was none. */
  readonly probe: (accessPoint: AccessPoint) => ProbeRecord | null;
  /** The newest last. */
  readonly history: (accessPoint: AccessPoint) => readonly HistoryDay[];
  readonly expiryMs: number;
  readonly nowMs: number;
}

/** All that the status site shows. Holds the columns of one access point at a time. */
export function siteData(input: SiteDataInput): Status {
  const { inventory, expiryMs, nowMs } = input;
  const tree = treeOf(inventory);
  const objectCount = inventory.paths.length;
  const held = new Uint8Array(objectCount);
  const notServed = new Uint8Array(objectCount);
  const nothingKnown = emptyObservations('', '', objectCount, 0);
  const oldestS = (nowMs - expiryMs) / 1000;

  const mirrors = input.mirrors.mirrors.map((mirror): MirrorStatus => {
    const accessPoints = mirror.accessPoints.map((accessPoint) => {
      const record = input.probe(accessPoint);
      const observations = input.observations(accessPoint) ?? nothingKnown;
      const holds = getsViewers(mirror, accessPoint, observations) ? held : notServed;
      return {
        ...accessPointStatus(accessPoint, inventory, tree, observations, oldestS, holds),
        probe: probeStatus(accessPoint, record),
        history: recentDays(input.history(accessPoint), record, nowMs),
      };
    });
    const { id, name, weight, drained } = mirror;
    return {
      id,
      name,
      countries: countries(mirror),
      weight,
      drained,
      isPrivate: mirror.networks !== undefined,
      accessPoints,
    };
  });

  return {
    version: 1,
    name: input.name,
    fallback: input.fallback,
    contact: input.contact ?? '',
    madeAtMs: nowMs,
    expiryMs,
    inventoryTakenAtMs: inventory.takenAtMs,
    mirrorsTakenAtMs: input.mirrors.takenAtMs,
    notes: input.mirrors.notes,
    totals: totals(inventory, tree, mirrors, held),
    mirrors,
  };
}

/** Whether the edge may send everybody there: over http or https, up, not drained, not for some networks alone. */
function getsViewers(mirror: Mirror, { protocol }: AccessPoint, { liveness }: Observations): boolean {
  const isOpen = !mirror.drained && mirror.networks === undefined;
  return isOpen && liveness.state === 'up' && (protocol === 'https' || protocol === 'http');
}

function countries(mirror: Mirror): MirrorStatus['countries'] {
  const codes = [...new Set(mirror.places.map((place) => place.country))];
  return codes.map((code) => ({ code, name: countryOf(code)?.name ?? code }));
}

function totals(inventory: Inventory, tree: Tree, mirrors: readonly MirrorStatus[], held: Uint8Array): StatusTotals {
  const byType = [0, 0, 0];
  const first = [];
  let count = 0;
  for (const id of tree.ids) {
    const type = inventory.types[id] as number;
    byType[type] = (byType[type] ?? 0) + 1;
    if (held[id] === 1) continue;
    if (count++ < MAX_UNHELD_SAMPLES) {
      first.push({ path: shownPath(inventory.paths.at(id) as string), firstSeenS: inventory.firstSeenS[id] as number });
    }
  }
  const states: Record<AccessPointState, number> = { up: 0, failing: 0, down: 0, 'not checked': 0 };
  for (const { accessPoints } of mirrors) for (const { state } of accessPoints) states[state]++;
  return {
    objects: {
      files: byType[ObjectType.file] as number,
      symlinks: byType[ObjectType.symlink] as number,
      directories: byType[ObjectType.directory] as number,
    },
    mirrors: mirrors.length,
    accessPoints: states,
    unheld: { count, first },
  };
}
