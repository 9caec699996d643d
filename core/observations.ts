/** What the last check that proved something found of an object. The numbers are part of the file format. */
export const Outcome = { none: 0, present: 1, absent: 2, different: 3 } as const;
export type OutcomeCode = (typeof Outcome)[keyof typeof Outcome];

/**
 * How evidence was won: the name of a method of the checker, with `+sample` behind it where what it showed was believed
 * because samples agreed.
 */
export type MethodName = string;

/** The first name of each table of methods: no evidence. */
export const NO_METHOD: MethodName = 'none';
/** What a column of bytes can tell apart. */
const MAX_METHODS = 256;

/** The number of a method in a table of names, into which it is put where it is missing. Throws RangeError where that is full. */
export function methodNumber(methods: MethodName[], name: MethodName): number {
  const known = methods.indexOf(name);
  if (known >= 0) return known;
  if (methods.length === MAX_METHODS) throw new RangeError(`more than ${MAX_METHODS} methods`);
  return methods.push(name) - 1;
}

export interface Liveness {
  readonly state: 'up' | 'failing' | 'down';
  /** Since when it is in that state, in seconds since 1970. */
  readonly sinceS: number;
  readonly checkedAtS: number;
  /** A sentence an administrator can act on; when up '', or what is odd there. */
  readonly reason: string;
  /** Found by a check that looked closer than probes do: only a check clears it. Missing where it is not so. */
  readonly holds?: true;
}

/** What the last check cost the access point. */
export interface CheckCost {
  readonly startedAtS: number;
  readonly elapsedMs: number;
  readonly requests: number;
  readonly connections: number;
  /** Sent and received; missing where they were not counted. */
  readonly bytes?: number;
}

/** What the last check from one vantage found of an access point as a whole. */
export interface VantageReport {
  readonly liveness: Liveness;
  readonly cost: CheckCost;
  /** Median time of its answers to requests that were asked one at a time, in milliseconds; null = not measured. */
  readonly roundTripMs: number | null;
}

/**
 * All that is known of every object at one access point, as columns over the inventory's ids. Evidence (present,
 * absent, different) stays until newer evidence replaces it: a failed check is written beside it, never over it.
 */
export interface Observations {
  readonly accessPointId: string;
  readonly url: string;
  liveness: Liveness;
  cost: CheckCost;
  /** By the vantage's name; '' = checks that were told of none. Where there are several, the file is a merged one. */
  vantages: Readonly<Record<string, VantageReport>>;
  /** `Outcome`: the last evidence, by object id. */
  readonly outcome: Uint8Array;
  /** The size that was found; -1 = none told (directories, absent). */
  readonly sizeBytes: Float64Array;
  /** When, in seconds since 1970; 0 = never. */
  readonly evidenceAtS: Uint32Array;
  /** Index into `methods`. */
  readonly method: Uint8Array;
  /** The first is `NO_METHOD`; none twice, at most 256. */
  readonly methods: MethodName[];
  /**
   * From when the period counts at whose end a check of its own is owed (a HEAD over http and https, a listing over the
   * protocols that list): when one last proved something; where none has yet, when evidence was first taken over from a
   * listing. Seconds since 1970; 0 = no evidence.
   */
  readonly ownCheckAtS: Uint32Array;
  /** The last check since that evidence that proved nothing, in seconds since 1970; 0 = none. */
  readonly failedAtS: Uint32Array;
  /**
   * How many checks in a row have proved nothing, `failedAtS` being the last of them; those that an access point failed
   * as a whole don't count. 255 = that many or more.
   */
  readonly failedTimes: Uint8Array;
  /** Index into `failures`, where `failedAtS` is not 0. */
  readonly failure: Uint8Array;
  /** The reasons of failed checks, as sentences; at most 256. */
  readonly failures: string[];
}
