import type { Inventory } from '../../core/inventory.ts';
import type { AccessPoint } from '../../core/mirror.ts';
import { NO_METHOD, type Observations, Outcome, type OutcomeCode } from '../../core/observations.ts';
import { shownPath } from '../../core/path-bytes.ts';
import { presenceColumn } from '../../core/presence.ts';
import type { AccessPointStatus } from '../../core/status.ts';
import { bounded, vantageStatuses } from './reports.ts';
import { timeSpread } from './times.ts';
import type { Tree } from './tree.ts';

const MAX_SAMPLES = 50;
const MAX_FAILURES = 10;

/** What one pass over the columns of an access point counts. */
interface Sums {
  /** Objects by tree and presence, at `4 * index into the tree's names + Outcome`; `none` stands for unknown. */
  readonly presence: Uint32Array;
  /** By index into the observations' methods. */
  readonly methods: Uint32Array;
  /** By index into the observations' failures. */
  readonly failures: Uint32Array;
  readonly absentIds: number[];
  readonly differentIds: number[];
}

/**
 * Sums up what the observations say of the objects in the tree. Evidence older than `oldestS` (seconds since 1970)
 * has expired. Sets `holds[id]` to 1 where the object is present and leaves the rest as it is.
 */
export function accessPointStatus(
  accessPoint: AccessPoint,
  inventory: Inventory,
  tree: Tree,
  observations: Observations,
  oldestS: number,
  holds: Uint8Array,
): Omit<AccessPointStatus, 'probe' | 'history'> {
  const { id, url, protocol, ipv4, ipv6, partial } = accessPoint;
  const sums = sumUp(inventory, tree, observations, oldestS, holds);
  const count = (known: OutcomeCode) => tree.names.reduce((sum, _, i) => sum + sums.presence[4 * i + known]!, 0);
  const present = count(Outcome.present);
  const expected = (id: number) => ({
    path: shownPath(inventory.paths.at(id) as string),
    expectedBytes: inventory.sizeBytes[id] as number,
  });
  return {
    ...{ id, url, protocol, ipv4, ipv6, partial },
    ...liveness(observations),
    vantages: vantageStatuses(observations),
    counts: {
      present,
      absent: count(Outcome.absent),
      different: count(Outcome.different),
      unknown: count(Outcome.none),
    },
    coverage: tree.ids.length === 0 ? 0 : present / tree.ids.length,
    trees: tree.names.map((name, i) => ({
      tree: shownPath(name),
      present: sums.presence[4 * i + Outcome.present] as number,
      objects: tree.objects[i] as number,
    })),
    evidence: timeSpread(observations.evidenceAtS, tree.ids),
    methods: observations.methods
      .map((method, i) => ({ method, objects: sums.methods[i] as number }))
      .filter(({ method, objects }) => method !== NO_METHOD && objects > 0),
    cost: cost(observations),
    failures: topFailures(observations, sums.failures),
    absent: sums.absentIds.map(expected),
    different: sums.differentIds.map((id) => ({ ...expected(id), foundBytes: observations.sizeBytes[id] as number })),
  };
}

/** Passes over all cells, 66 million of a full site: nothing is allocated inside the loop. */
function sumUp(inventory: Inventory, tree: Tree, observations: Observations, oldestS: number, holds: Uint8Array): Sums {
  const { method, failedAtS, failure } = observations;
  const { ids, treeOf } = tree;
  const column = presenceColumn(inventory, observations, oldestS);
  const presence = new Uint32Array(4 * tree.names.length);
  const methods = new Uint32Array(256);
  const failures = new Uint32Array(256);
  const absentIds: number[] = [];
  const differentIds: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as number;
    const known = column[id] as number;
    presence[4 * (treeOf[id] as number) + known]!++;
    methods[method[id] as number]!++;
    if (failedAtS[id] !== 0) failures[failure[id] as number]!++;
    if (known === Outcome.present) holds[id] = 1;
    else if (known === Outcome.absent) {
      if (absentIds.length < MAX_SAMPLES) absentIds.push(id);
    } else if (known === Outcome.different && differentIds.length < MAX_SAMPLES) differentIds.push(id);
  }
  return { presence, methods, failures, absentIds, differentIds };
}

function liveness({ liveness }: Observations): Pick<AccessPointStatus, 'state' | 'sinceS' | 'checkedAtS' | 'reason'> {
  const { state, sinceS, checkedAtS, reason } = liveness;
  return checkedAtS === 0
    ? { state: 'not checked', sinceS: 0, checkedAtS, reason: 'not checked yet' }
    : { state, sinceS, checkedAtS, reason: bounded(reason) };
}

function cost(observations: Observations): AccessPointStatus['cost'] {
  const { startedAtS, elapsedMs, requests } = observations.cost;
  return startedAtS === 0 ? null : { startedAtS, elapsedMs, requests };
}

function topFailures(observations: Observations, counts: Uint32Array): AccessPointStatus['failures'] {
  return observations.failures
    .map((reason, i) => ({ reason: bounded(reason), objects: counts[i] as number }))
    .filter((failure) => failure.objects > 0)
    .sort((a, b) => b.objects - a.objects)
    .slice(0, MAX_FAILURES);
}
