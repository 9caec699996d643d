import type { CheckCost, Liveness } from './observations.ts';
import type { ObjectPath } from './path.ts';

/** What a try proved: that the access point is of use, or a sentence on why not. */
export interface Verdict {
  readonly ok: boolean;
  /** '' where `ok`. */
  readonly reason: string;
}

export interface StateChange {
  readonly state: Liveness['state'];
  /** Seconds since 1970. */
  readonly atS: number;
  readonly reason: string;
}

/** An object that an access point was proven to hold. */
export interface KnownObject {
  readonly path: ObjectPath;
  readonly sizeBytes: number;
}

/** What the probes know of one access point. */
export interface ProbeRecord {
  readonly accessPointId: string;
  readonly url: string;
  /** `checkedAtS` 0 = it could not be probed from here yet; `reason` says why. */
  readonly liveness: Liveness;
  /** Null = not known: its name has no address of that family, or this machine has none. */
  readonly ipv4Up: boolean | null;
  readonly ipv6Up: boolean | null;
  /** Host and port that served the known object, after all redirects; '' = none did. */
  readonly finalHost: string;
  /** Behind the master's own freshness stamp, in seconds, at least 0; null = not known. */
  readonly stampLagS: number | null;
  /** End of the certificate's validity in seconds since 1970; null = none was shown. */
  readonly certificateValidToS: number | null;
  /** Sentences on what is not right but no reason to send nobody there. */
  readonly warnings: readonly string[];
  /** What the next probes ask for. */
  readonly knownObjects: readonly KnownObject[];
  readonly cost: CheckCost;
  /** The newest last; at most `MAX_HISTORY`. */
  readonly history: readonly StateChange[];
  /**
   * Where several vantages have probed: what each of them found, by its name ('' = none was told), of which the rest of
   * this record is what they say together (core/vantage-probes.ts). Missing where there is nothing to fold.
   */
  readonly vantages?: Readonly<Record<string, ProbeRecord>>;
}

export const MAX_HISTORY = 50;

/**
 * For so long a probe's `down` or `failing` outweighs a later `up` of a check: a check looks at neither stamp nor
 * certificate dates. Probes run every few minutes; one that is older than this no longer runs.
 */
export const PROBE_HOLDS_S = 3600;

/**
 * The state after one more try: one failed try makes `failing`, the next one `down`; a clean try makes `up`. `sinceS`
 * moves only with the state. `before` is null where nothing is known.
 */
export function nextLiveness(before: Liveness | null, { ok, reason }: Verdict, atS: number): Liveness {
  const wasUp = before === null || before.state === 'up';
  const state = ok ? 'up' : wasUp ? 'failing' : 'down';
  const sinceS = before?.state === state ? before.sinceS : atS;
  return { state, sinceS, checkedAtS: atS, reason: ok ? '' : reason };
}

/**
 * What counts for maps and the site: the newer of what the last check and the last probe say. But a probe that says no
 * outweighs a later check for `PROBE_HOLDS_S`, and no probe clears what a check found that probes do not look for
 * (`holds`). `checkedAtS` 0 = never looked; a null probe likewise.
 */
export function foldLiveness(check: Liveness, probe: Liveness | null): Liveness {
  if (probe === null || probe.checkedAtS === 0) return check;
  if (check.checkedAtS === 0) return probe;
  if (check.state === 'up' && probe.state === 'up') {
    return {
      state: 'up',
      sinceS: Math.max(check.sinceS, probe.sinceS),
      checkedAtS: Math.max(check.checkedAtS, probe.checkedAtS),
      reason: '',
    };
  }
  if (check.holds === true && probe.state === 'up') return check;
  const holdsS = probe.state !== 'up' && check.state === 'up' ? PROBE_HOLDS_S : 0;
  return check.checkedAtS > probe.checkedAtS + holdsS ? check : probe;
}

/** The history with a change from `before` to `after`, where there is one. */
export function withChange(
  history: readonly StateChange[],
  before: Liveness | null,
  { state, checkedAtS, reason }: Liveness,
): readonly StateChange[] {
  return before?.state === state ? history : [...history, { state, atS: checkedAtS, reason }].slice(-MAX_HISTORY);
}
