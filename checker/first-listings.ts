import { existsSync } from 'node:fs';
import type { Mirror } from '../core/mirror.ts';
import { type BegunListing, beginRsyncListing } from '../core/node/rsync.ts';
import { outputLayout } from '../core/output-layout.ts';
import { readHostWishes } from './host-wishes.ts';
import { hostKey } from './net/host-budget.ts';
import { allowedFor, forbiddenReason } from './net/reach.ts';
import type { Only } from './schedule.ts';

/** Mirrors under way at the same time. */
export const MIRRORS_AT_ONCE = 16;

export interface FirstListingsOptions {
  readonly output: string;
  readonly vantage: string;
  readonly mirrors: readonly Mirror[];
  readonly treePrefix: string;
  readonly only: Only;
  readonly timeoutMs: number;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/**
 * Listings over rsync that a run begins before it has read the inventory: where an access point was never checked all of
 * it is due, whatever the inventory says. The server then walks its tree while we read ours.
 */
export class FirstListings {
  readonly #begun = new Map<string, BegunListing>();

  /** Begins those of the mirrors that come first, and may be asked. */
  async begin({
    output,
    vantage,
    mirrors,
    treePrefix,
    only,
    timeoutMs,
    nowMs,
    signal,
  }: FirstListingsOptions): Promise<void> {
    if (only === 'expired' || treePrefix !== '') return;
    // Of a torn file the run tells.
    const wishes = readHostWishes({ output, vantage }, nowMs, () => {});
    const begin = async ({ accessPoints, networks }: Mirror) => {
      const point = accessPoints.find(({ protocol }) => protocol === 'rsync');
      if (point === undefined || existsSync(outputLayout.observations(output, point.id, vantage))) return;
      if (wishes.has(hostKey(point.url))) return;
      // What it means the check itself tells.
      if ((await forbiddenReason(point.url, allowedFor(point.url, networks !== undefined))) !== '' || signal.aborted)
        return;
      this.#begun.set(point.id, beginRsyncListing({ url: point.url, timeoutMs, signal }));
    };
    await Promise.all(mirrors.slice(0, MIRRORS_AT_ONCE).map(begin));
  }

  /** That of an access point, for the one who reads it; null where none was begun. */
  take(accessPointId: string): BegunListing | null {
    const listing = this.#begun.get(accessPointId) ?? null;
    this.#begun.delete(accessPointId);
    return listing;
  }

  /** Ends those that nobody has taken. */
  drop(): void {
    for (const listing of this.#begun.values()) listing.drop();
    this.#begun.clear();
  }
}
