import type { Inventory } from '../../core/inventory.ts';
import type { AccessPoint, Protocol } from '../../core/mirror.ts';
import type { BegunListing } from '../../core/node/rsync.ts';
import type { MethodName, OutcomeCode } from '../../core/observations.ts';
import type { Acquaintance } from '../net/acquaintance.ts';
import type { HostBudgets } from '../net/host-budget.ts';

/**
 * Where a method puts what it found: calls with numbers into columns, because a full check has 66 million cells.
 * The last call for an object counts; an object without a call keeps what was known of it. Evidence counts when it is
 * confirmed: what is not is never written, and taken back when the check ends. What listings show needs no `confirm`.
 */
export interface Sink {
  /** Evidence. `sizeBytes` is what was found, -1 where nothing tells one (directories, absent). */
  record(objectId: number, outcome: OutcomeCode, sizeBytes: number): void;
  /**
   * A name that a listing shows with a size that fits but is not exact, or with none: no proof, but where samples of
   * the same kind are found to be right it is believed.
   */
  hint(objectId: number): void;
  /** A check that proved nothing. `reason` is a bounded sentence; foreign text in it is quoted. */
  fail(objectId: number, reason: string): void;
  /** Takes back what this check found with one of these outcomes: it failed for that reason instead. */
  withdraw(outcomes: readonly OutcomeCode[], reason: string): void;
  /** What was recorded so far counts, and is written where a checkpoint is due. */
  confirm(): void;
  /** Takes back what was recorded since the last `confirm`: it failed for that reason instead. */
  dismiss(reason: string): void;
}

/** What a method is asked to check. */
export interface CheckTask {
  readonly accessPoint: AccessPoint;
  readonly inventory: Inventory;
  /** The id of a canonical path; undefined where the inventory has none. */
  readonly objectIdOf: (path: string) => number | undefined;
  /** The objects to check, each once, ascending. */
  readonly objectIds: Int32Array;
  readonly sink: Sink;
  readonly userAgent: string;
  /** The text of the private key that enters hosts over SFTP; null or missing = what the ssh-agent holds. */
  readonly sftpKey?: string | null;
  /** Longest wait for a connection, and longest silence. */
  readonly timeoutMs: number;
  /** So long after a try that showed it to be of no use it is tried once more. Default: `SECOND_TRY_AFTER_MS`. */
  readonly secondTryAfterMs?: number;
  /** What each host may be asked; shared by all that ask it. */
  readonly hosts: Pick<HostBudgets, 'of'>;
  /** Of this run with the access point; a check adds to it. */
  readonly acquaintance: Acquaintance;
  /** How often what was found is to be confirmed, so that it can be written. */
  readonly checkpointMs: number;
  /** Raised: nothing more is to be asked, but for what confirms what was found. */
  readonly signal: AbortSignal;
  /** Raised some seconds later: nothing at all. */
  readonly graceSignal: AbortSignal;
  /** A listing of the access point that the run has begun already. */
  readonly begun?: BegunListing | null;
}

/** How a check went as a whole. */
export interface MethodReport {
  /**
   * whole: every object was asked for; partial: given up midway, what was not reached failed; unusable: nothing can be
   * learnt here, every object failed; interrupted: the signal was raised, what was not reached, or not confirmed, is left as it was;
   * busy: the server has no room for us, what was not reached is left as it was, for a later run;
   * unasked: it cannot be asked from here, for what we lack ourselves (a key), all is left as it was, nothing is told of it.
   */
  readonly ended: 'whole' | 'partial' | 'unusable' | 'interrupted' | 'busy' | 'unasked';
  /** A sentence; '' for interrupted, and for whole where nothing is worth telling. */
  readonly reason: string;
  /** partial or unusable because of what probes do not look for: it answers GET otherwise than HEAD, or lies midway. */
  readonly isRefuted?: boolean;
  readonly requests: number;
  readonly connections: number;
  /** Times from a request to its answer, of those that were asked one at a time on an open connection. */
  readonly roundTripsMs?: readonly number[];
  /** Sent and received; missing where the method does not count them. */
  readonly bytes?: number;
}

/**
 * One way to win evidence. It tells of `unusable` only after two tries, seconds apart, but for a server that claims to
 * hold what cannot exist. `check` never throws for the server's sake, ends soon after `graceSignal` is raised and
 * holds no socket, timer or process once it has ended.
 */
export interface Method {
  readonly name: MethodName;
  /**
   * What one question tells of: an object, the names in a directory, or the whole tree, which costs the same for one
   * object as for all.
   */
  readonly scope: 'object' | 'directory' | 'tree';
  readonly protocols: readonly Protocol[];
  check(task: CheckTask): Promise<MethodReport>;
}
