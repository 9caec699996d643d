import { type KnownObject, nextLiveness, type ProbeRecord, withChange } from '../../core/liveness.ts';
import { LAYOUT_PATH } from '../../core/master-files.ts';
import type { AccessPoint } from '../../core/mirror.ts';
import type { CheckCost, Liveness } from '../../core/observations.ts';
import { livenessOfFull } from '../full-house.ts';
import { pause } from '../second-try.ts';
import type { HostBusy } from './failure.ts';
import { busyOf, type Family, type FamilyResult, type ProbeContext, tryOnce, verdictOf } from './try.ts';

const FAMILIES: readonly Family[] = [4, 6];
/** For so long a host that is unavailable, and says when to ask again, is taken for a busy one. */
const UNAVAILABLE_HOLDS_S = 3600;

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
  const held = (tries: readonly FamilyResult[][], busy: HostBusy): ProbeRecord => {
    const found = finish(tries, before.known, livenessOfBusy(before, busy, nowS()));
    const { liveness, warnings, cost, history } = found;
    return record === null ? found : { ...record, liveness, warnings, cost, history };
  };
  const busy = busyOf(first);
  if (busy !== null) return held([first], busy);
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
  const busySince = busyOf(latest([first, second]));
  if (busySince !== null) return held([first, second], busySince);
  const confirmed = verdictOf(latest([first, second])) ?? verdict;
  // A single failed try between two clean ones is no change of state.
  const from = verdict.ok || confirmed.ok ? earlier : liveness;
  return finish([first, second], known, nextLiveness(from, confirmed, nowS()));
}

/** What was known stands, but for a host that has been unavailable, or full, for long. */
function livenessOfBusy(before: Before, { message: reason, refusal }: HostBusy, nowS: number): Liveness {
  const earlier = livenessBefore(before);
  if (earlier === null) return { state: 'failing', sinceS: nowS, checkedAtS: 0, reason };
  if (refusal === 'too fast' || before.record === null) return earlier;
  if (refusal === 'full') return livenessOfFull(earlier, reason, nowS);
  if (nowS - earlier.checkedAtS <= UNAVAILABLE_HOLDS_S) return earlier;
  const verdict = { ok: false, reason };
  // It was told once and again.
  return nextLiveness(nextLiveness(earlier, verdict, nowS), verdict, nowS);
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
  const sum = (key: 'requests' | 'connections' | 'bytes') =>
    tries.flat().reduce((total, one) => total + one.facts[key], 0);
  const history = before?.history ?? [];
  return {
    accessPointId: id,
    url,
    liveness,
    ipv4Up: upOf(last[0], before?.ipv4Up),
    ipv6Up: upOf(last[1], before?.ipv6Up),
    finalHost: facts.find(({ finalHost }) => finalHost !== '')?.finalHost ?? '',
    stampLagS: lagsS.length === 0 ? null : Math.max(...lagsS),
    certificateValidToS: validToMs.length === 0 ? null : Math.floor(Math.min(...validToMs) / 1000),
    warnings: warningsOf(liveness, tries),
    // What is only presumed is not remembered: the next check may prove something better.
    knownObjects: known.filter(({ path }) => path !== LAYOUT_PATH),
    cost: { ...time, requests: sum('requests'), connections: sum('connections'), bytes: sum('bytes') },
    history: liveness.checkedAtS === 0 ? history : withChange(history, earlier, liveness),
  };
}

function upOf(result: FamilyResult | undefined, before: boolean | null | undefined): boolean | null {
  return (result?.busy === null ? result.up : before) ?? null;
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
  const busy = last.flatMap((one) =>
    one.busy === null || liveness.reason.startsWith(one.busy.message) ? [] : one.busy.message,
  );
  const kept = busy.map((message) => `${message}, what was known stands`);
  return [...new Set([...kept, ...last.flatMap(({ facts }) => facts.warnings), ...said])];
}
