import type { HistoryDay } from './history.ts';
import type { StateChange } from './liveness.ts';
import type { Protocol } from './mirror.ts';
import type { MethodName } from './observations.ts';

/** In the order in which the site shows and counts them. */
export const ACCESS_POINT_STATES = ['up', 'failing', 'down', 'not checked'] as const;
/** Liveness, or `not checked`: no check yet, or no method that serves its protocol. */
export type AccessPointState = (typeof ACCESS_POINT_STATES)[number];

/** What the status site shows, and others may read: `output/site-data/status.json` (docs/formats.md). */
export interface Status {
  readonly version: 1;
  /** Of the distribution, as people write it. */
  readonly name: string;
  /** URL of the host that serves what no mirror is known to hold. */
  readonly fallback: string;
  /** Where an administrator reaches the people who run this: a `https:` or `mailto:` URL; '' = not told. */
  readonly contact: string;
  /** Milliseconds since 1970; every age on the site is relative to it. */
  readonly madeAtMs: number;
  /** Evidence as old as this proves nothing any more. */
  readonly expiryMs: number;
  readonly inventoryTakenAtMs: number;
  readonly mirrorsTakenAtMs: number;
  /** What the mirror list's reader mended or left out, each a sentence. */
  readonly notes: readonly string[];
  readonly totals: StatusTotals;
  /** In the mirror list's order. */
  readonly mirrors: readonly MirrorStatus[];
}

export interface StatusTotals {
  /** In the tree now. */
  readonly objects: { readonly files: number; readonly symlinks: number; readonly directories: number };
  readonly mirrors: number;
  readonly accessPoints: Readonly<Record<AccessPointState, number>>;
  /**
   * Objects for which every viewer goes to the fallback: no access point over http or https that is up, of a mirror
   * that is neither drained nor for some networks alone, is known to hold them.
   */
  readonly unheld: { readonly count: number; readonly first: readonly UnheldObject[] };
}

export interface UnheldObject {
  /** As `shownPath` writes it; so are all paths here. */
  readonly path: string;
  /** Seconds since 1970. */
  readonly firstSeenS: number;
}

export interface MirrorStatus {
  /** `[a-z0-9._-]+`. */
  readonly id: string;
  readonly name: string;
  /** Where it stands, each country once. */
  readonly countries: readonly { readonly code: string; readonly name: string }[];
  readonly weight: number;
  readonly drained: boolean;
  /** It serves some networks alone; which, is not shown. */
  readonly isPrivate: boolean;
  readonly accessPoints: readonly AccessPointStatus[];
}

/** Presence by the evidence that has not expired. The four add up to the objects of the tree. */
export interface PresenceCounts {
  readonly present: number;
  readonly absent: number;
  readonly different: number;
  readonly unknown: number;
}

export interface AccessPointStatus {
  readonly id: string;
  readonly url: string;
  readonly protocol: Protocol;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly partial: boolean;
  readonly state: AccessPointState;
  /** Since when it is in that state, in seconds since 1970; 0 = not checked. */
  readonly sinceS: number;
  /** The last check of its liveness, in seconds since 1970; 0 = never. */
  readonly checkedAtS: number;
  /** A sentence; '' when up. */
  readonly reason: string;
  /** What the last probe found beside that; null where there was none. */
  readonly probe: ProbeStatus | null;
  /** What the last check of each vantage found, by their names; empty where no check was told of one. */
  readonly vantages: readonly VantageStatus[];
  /** The last days that had a check, the newest last; at most `STATUS_DAYS` days old. */
  readonly history: readonly StatusDay[];
  readonly counts: PresenceCounts;
  /** Present ones among the objects of the tree, 0 to 1; exactly 1 only where none is missing. */
  readonly coverage: number;
  /** By the first segment of the path; '' = files beside the trees. In the inventory's order. */
  readonly trees: readonly TreeCoverage[];
  /** Times of all evidence, expired or not, in seconds since 1970; null where there is none. */
  readonly evidence: { readonly oldestS: number; readonly medianS: number; readonly newestS: number } | null;
  /** How the evidence was won: objects by method. */
  readonly methods: readonly { readonly method: MethodName; readonly objects: number }[];
  /** Of the last check; null where there was none. */
  readonly cost: { readonly startedAtS: number; readonly elapsedMs: number; readonly requests: number } | null;
  /** Objects whose last check proved nothing, by reason, the most frequent first. */
  readonly failures: readonly { readonly reason: string; readonly objects: number }[];
  /** The first of them in the inventory's order. */
  readonly absent: readonly AbsentObject[];
  readonly different: readonly DifferentObject[];
}

/** So many days the site looks back. */
export const STATUS_DAYS = 30;

export interface StatusDay extends HistoryDay {
  /** From 0 to 1: the share of the day's checks that found it up or, where less, of the time that probes found it so. */
  readonly upShare: number;
}

export interface ProbeStatus {
  /** In seconds since 1970; the state may be younger, from a check. */
  readonly checkedAtS: number;
  /** Null = not known: no such address, or the machine that probes has none. */
  readonly ipv4Up: boolean | null;
  readonly ipv6Up: boolean | null;
  /** Behind the master's stamp, in seconds; null = not known. */
  readonly stampLagS: number | null;
  /** In seconds since 1970; null = it showed no certificate. */
  readonly certificateValidToS: number | null;
  /** Host and port that served an object in the end, where that is another than the URL's; '' = it is not. */
  readonly servedBy: string;
  /** Sentences on what is not right but no reason to send nobody there. */
  readonly warnings: readonly string[];
  /** The last changes of state that probes saw, the newest first. */
  readonly changes: readonly StateChange[];
}

export interface VantageStatus {
  readonly name: string;
  readonly state: AccessPointState;
  /** In seconds since 1970. */
  readonly sinceS: number;
  readonly checkedAtS: number;
  readonly reason: string;
  /** Median time of an answer, in milliseconds; null = not measured. */
  readonly roundTripMs: number | null;
  /** Of its last check. */
  readonly requests: number;
}

export interface TreeCoverage {
  readonly tree: string;
  readonly present: number;
  readonly objects: number;
}

export interface AbsentObject {
  readonly path: string;
  /** -1 = no such figure (directories). */
  readonly expectedBytes: number;
}

export interface DifferentObject extends AbsentObject {
  /** -1 = not told. */
  readonly foundBytes: number;
}
