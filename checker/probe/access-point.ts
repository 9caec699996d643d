import { type KnownObject, nextLiveness, type ProbeRecord, withChange } from '../../core/liveness.ts';
import { LAYOUT_PATH } from '../../core/master-files.ts';
import type { AccessPoint } from '../../core/mirror.ts';
import type { CheckCost, Liveness } from '../../core/observations.ts';
import { pause } from '../second-try.ts';
import { type Family, type FamilyResult, type ProbeContext, tryOnce, verdictOf } from './try.ts';

const FAMILIES: readonly Family[] = [4, 6];

/** What is known of an access point before a probe. */
export interface Before {
  /** Of the last probe. */
  readonly record: ProbeRecord | null;
  /** Of the last check. */
  readonly checked: Liveness | null;
  /** Objects that it should have. */
  readonly known: readonly KnownObject[];
}

/**
 * Probes one access point over both families at once, and what failed a second time. Null where the run was
 * interrupted before anything was found.
 */
export async function probeAccessPoint(
  context: ProbeContext,
  accessPoint: AccessPoint,
  before: Before,
): Promise<ProbeRecord | null> {
  const { nowMs, signal } = context;
  const startedAtMs = nowMs();
  const nowS = () => Math.floor(nowMs() / 1000);
  const earlier = livenessBefore(before);
  const { record } = before;
  const first = await tryOnce(context, accessPoint, FAMILIES, before.known, 0);
  if (signal.aborted) return null;
  const finish = (tries: readonly FamilyResult[][], known: readonly KnownObject[], liveness: Liveness) =>
    recordOf(accessPoint, record, earlier, liveness, known, tries, {
      startedAtS: Math.floor(startedAtMs / 1000),
      elapsedMs: Math.max(0, Math.round(nowMs() - startedAtMs)),
    });
  const verdict = verdictOf(first);
  if (verdict === null) {
    const reason = first.find((family) => family.reason !== '')?.reason ?? 'its name has no address';
    return finish([first], before.known, earlier ?? { state: 'failing', sinceS: nowS(), checkedAtS: 0, reason });
  }
  const liveness = nextLiveness(earlier, verdict, nowS());
  const failed = first.filter(({ up }) => up === false).map(({ family }) => family);
  // What was down stays down at the first failure; what is new is confirmed.
  const wasDown = (family: Family) => (family === 4 ? record?.ipv4Up : record?.ipv6Up) === false;
  const isConfirmed = verdict.ok ? failed.every(wasDown) : earlier?.state === 'down';
  if (isConfirmed || !(await pause(context.secondTryAfterMs, signal))) return finish([first], before.known, liveness);

  const known = context.knownAt(accessPoint);
  const second = await tryOnce(context, accessPoint, failed, known, 1);
  if (signal.aborted) return finish([first], before.known, liveness);
  const confirmed = verdictOf(latest([first, second])) ?? verdict;
  // A single failed try between two clean ones is no change of state.
  const from = verdict.ok || confirmed.ok ? earlier : liveness;
  return finish([first, second], known, nextLiveness(from, confirmed, nowS()));
}

/** The last probe's word; before the first probe that of a check, where it says up. */
function livenessBefore({ record, checked }: Before): Liveness | null {
  const said = record?.liveness ?? (checked?.state === 'up' ? checked : null);
  return said === null || said.checkedAtS === 0 ? null : said;
}

/** The last result of each family. */
function latest(tries: readonly (readonly FamilyResult[])[]): FamilyResult[] {
  const byFamily = new Map(tries.flat().map((result) => [result.family, result]));
  return FAMILIES.map((family) => byFamily.get(family) as FamilyResult);
}

function recordOf(
  { id, url }: AccessPoint,
  before: ProbeRecord | null,
  earlier: Liveness | null,
  liveness: Liveness,
  known: readonly KnownObject[],
  tries: readonly (readonly FamilyResult[])[],
  time: Pick<CheckCost, 'startedAtS' | 'elapsedMs'>,
): ProbeRecord {
  const last = latest(tries);
  const facts = last.map((result) => result.facts);
  const validToMs = facts.map((fact) => fact.certificateValidToMs).filter((ms) => ms !== null);
  const lagsS = facts.map((fact) => fact.stampLagS).filter((lagS) => lagS !== null);
  const sum = (key: 'requests' | 'connections') => tries.flat().reduce((total, one) => total + one.facts[key], 0);
  const history = before?.history ?? [];
  return {
    accessPointId: id,
    url,
    liveness,
    ipv4Up: last[0]?.up ?? null,
    ipv6Up: last[1]?.up ?? null,
    finalHost: facts.find(({ finalHost }) => finalHost !== '')?.finalHost ?? '',
    stampLagS: lagsS.length === 0 ? null : Math.max(...lagsS),
    certificateValidToS: validToMs.length === 0 ? null : Math.floor(Math.min(...validToMs) / 1000),
    warnings: warningsOf(liveness, tries),
    // What is only presumed is not remembered: the next check may prove something better.
    knownObjects: known.filter(({ path }) => path !== LAYOUT_PATH),
    cost: { ...time, requests: sum('requests'), connections: sum('connections') },
    history: liveness.checkedAtS === 0 ? history : withChange(history, earlier, liveness),
  };
}

function warningsOf(liveness: Liveness, tries: readonly (readonly FamilyResult[])[]): readonly string[] {
  const last = latest(tries);
  const ofFamilies = last
    .filter(({ up }) => up === false)
    .map(({ family, reason }) => `not over IPv${family}: ${reason}`);
  const first = tries.length > 1 && liveness.state === 'up' ? (tries[0] ?? []) : [];
  const hiccups = first
    .filter(({ family, up }) => up === false && last.some((one) => one.family === family && one.up === true))
    .map(({ reason }) => `a first try failed: ${reason}`);
  // Where all families are down their reasons are the liveness' own.
  const said = liveness.state === 'up' ? [...ofFamilies, ...hiccups] : [];
  return [...new Set([...last.flatMap(({ facts }) => facts.warnings), ...said])];
}
