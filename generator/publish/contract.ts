import type { Progress } from '../../core/progress.ts';

/** A file of a release: its place in the release folder, which has the layout of the output folder. */
export interface ReleaseFile {
  /** Relative, of segments joined by `/`: `maps/DE.msgpack`, `site/index.html`, `edge/kvs.json`. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** What guards compare between two publications. Shares are from 0 to 1. A cell is an object at an http(s) access point. */
export interface ReleaseFigures {
  /** Objects in the master's tree. */
  readonly objects: number;
  /** Access points over http and https that anything is known of. */
  readonly accessPoints: number;
  /** Of them, those that are up and not drained. */
  readonly up: number;
  /** Share of the cells with valid evidence of presence. */
  readonly presentShare: number;
  /** Share of the cells of which nothing is known: never proven, or expired. */
  readonly unknownShare: number;
  /** Share of the objects that at least one access point that is up holds. */
  readonly heldShare: number;
  /** Median age of the evidence of all present cells; null = there is none. */
  readonly evidenceAgeMs: number | null;
  /** By region code: candidates that are up, over both schemes. */
  readonly candidates: Readonly<Record<string, number>>;
}

/** `release.json` of a release folder. */
export interface ReleaseManifest {
  readonly version: 1;
  /** `20261122T141700000Z-1a2b3c4d`: when it was gathered (so ids sort by time), and the first digits of `sha256`. */
  readonly id: string;
  /** Of the list of `files`: two releases with the same contents have the same. */
  readonly sha256: string;
  readonly gatheredAtMs: number;
  /** When its maps were built. */
  readonly builtAtMs: number;
  /** Sorted by path; without `release.json` itself. */
  readonly files: readonly ReleaseFile[];
  readonly figures: ReleaseFigures;
  /** What a person overruled, and why; null = no guard objected. */
  readonly forced: { readonly reason: string; readonly objections: readonly string[] } | null;
}

/** What the edge is given of a release. */
export interface EdgeContent {
  /** For logs and the function's comment. */
  readonly releaseId: string;
  readonly keys: ReadonlyMap<string, string>;
  /** The function's source, as it is to be published. */
  readonly functionCode: string;
}

/** A request that the function is tested with at the edge, and what it must answer over the keys of the release. */
export interface GoldenEvent {
  /** For errors: `known object, https, DE`. */
  readonly name: string;
  /** The event structure of CloudFront Functions, without what only CloudFront knows (distribution, request id). */
  readonly event: unknown;
  readonly expected: {
    readonly statusCode: number;
    readonly headers: Readonly<Record<string, { readonly value: string }>>;
  };
}

/** What publishing would change at an edge, by reading alone. */
export interface EdgePlan {
  /** Keys that are new, have another value, and that nothing refers to any more. */
  readonly keysAdded: number;
  readonly keysChanged: number;
  readonly keysRemoved: number;
  /** Sum of the lengths of keys and values that would be written. */
  readonly keyBytes: number;
  readonly functionChanges: boolean;
  /** Calls of the provider's interface in all, and their price at list prices; 0 where it costs nothing. */
  readonly calls: number;
  readonly costUsd: number;
  /** Sentences on what a person should know: how full the store would be, what does not fit. */
  readonly notes: readonly string[];
}

/** What a step at an edge took. */
export interface EdgeWork {
  readonly calls: number;
  readonly bytes: number;
  /** One sentence: `1,204 keys put, 3 removed later`. */
  readonly summary: string;
}

export interface PublishContext {
  readonly progress: Progress;
  /** Raised by Ctrl-C; work under way ends in a state from which every answer is still right. */
  readonly signal: AbortSignal;
}

/**
 * Where viewers are answered. Every method can be cut anywhere and called again: what is done is found done. A
 * failure is a RunError with a sentence that a person can act on (never a credential in it); wrong configuration a
 * UsageError. For one publication they are called in the order below; for a rollback in the same order, with the
 * content of an older release.
 */
export interface EdgeTarget {
  /** As the configuration names it. */
  readonly name: string;
  /** Throws where publishing could not work: credentials, rights, a store that is too small. Changes nothing. */
  plan(content: EdgeContent, context: PublishContext): Promise<EdgePlan>;
  /** New pieces first, then those that point to them; nothing is deleted that an old pointer may still lead to. */
  publishKeys(content: EdgeContent, context: PublishContext): Promise<EdgeWork>;
  /**
   * Creates or updates the function where its code differs, tests it with the golden events (each answer as expected,
   * each within the bound of compute utilisation), and publishes it only then. Throws RunError where a test fails;
   * the function that is live stays.
   */
  publishFunction(content: EdgeContent, golden: readonly GoldenEvent[], context: PublishContext): Promise<EdgeWork>;
  /**
   * Has the CDN forget files of the release folder that changed or are gone (`site/index.html`); the target knows under
   * which URLs it serves them. Does nothing for none.
   */
  invalidate(paths: readonly string[], releaseId: string, context: PublishContext): Promise<EdgeWork>;
  /**
   * Deletes keys that are not the content's and that no edge can be led to any more; those of a moment ago are left to the
   * next publication. Called last, when look-ups have proven the publication.
   */
  sweepKeys(content: EdgeContent, context: PublishContext): Promise<EdgeWork>;
  close(): Promise<void>;
}

/** A publication as the origin's log (`publications.json`) has it, the newest last. */
export interface Publication {
  readonly releaseId: string;
  readonly action: 'publish' | 'rollback';
  readonly atMs: number;
  /** `user@host`. */
  readonly by: string;
  /** The targets that took part, by name. */
  readonly targets: readonly string[];
  /** `begun`: it was cut, or is under way; `done`; `withdrawn`: what came after the switch failed, and it was rolled back. */
  readonly state: 'begun' | 'done' | 'withdrawn';
  /** Why a person forced it, or why it was withdrawn; '' = neither. */
  readonly reason: string;
}

/** A release that is to be uploaded. */
export interface GatheredRelease {
  readonly manifest: ReleaseManifest;
  /** The bytes of one of its files. */
  read(path: string): Buffer;
}

export interface UploadWork {
  /** Files and bytes that were sent; the others were there already, or linked from another release. */
  readonly files: number;
  readonly bytes: number;
}

/**
 * Where releases lie: `releases/<id>/`, with `current` a link to one of them. All methods but `list`, `current`,
 * `read` and `log` want the lock. Failures are RunErrors.
 */
export interface OriginTarget {
  readonly name: string;
  /**
   * Does the work as the only publisher to this origin. Throws RunError, naming who publishes, where somebody else
   * does; a lock whose holder is dead is taken over, and what a killed publication left is cleaned away.
   */
  withLock<T>(work: () => Promise<T>, context: PublishContext): Promise<T>;
  /** The release that `current` leads to; null = none yet. */
  current(): Promise<ReleaseManifest | null>;
  /** Complete releases, the newest first. */
  list(): Promise<readonly ReleaseManifest[]>;
  /** A file of a release; throws RunError where its bytes are not those of the manifest. */
  read(manifest: ReleaseManifest, path: string): Promise<Buffer>;
  log(): Promise<readonly Publication[]>;
  /** Adds to the log, or replaces its last entry where that is of the same release and time. */
  record(publication: Publication): Promise<void>;
  /** Uploads beside, verifies every byte, and puts the whole into its place, without switching to it. */
  upload(release: GatheredRelease, context: PublishContext): Promise<UploadWork>;
  /** Makes a release the current one, with one rename. */
  switchTo(releaseId: string): Promise<void>;
  /**
   * Removes all releases but the newest `keep` of those that were published to their end; never the current one nor
   * those in `spared`. Answers what it removed.
   */
  prune(keep: number, spared: readonly string[]): Promise<readonly string[]>;
  close(): Promise<void>;
}
