import type { Inventory } from '../core/inventory.ts';
import type { MethodName, OutcomeCode } from '../core/observations.ts';
import { Outcome } from '../core/observations.ts';
import type { Sink } from './methods/contract.ts';
import type { Evidence } from './sample.ts';

/** What a listing of one access point shows of a mirror. */
export interface Listing extends Evidence {
  readonly method: MethodName;
  readonly accessPointId: string;
  /** Seconds since 1970: when it was looked, or before. */
  readonly evidenceAtS: (objectId: number) => number;
}

/** The name of evidence that was taken over from a listing because samples agreed with it. */
export function sampledName(method: MethodName): MethodName {
  return `${method}+sample`;
}

const HINT = 255;

/** What a listing shows, hints included, before any of it counts for an access point. */
export class ListingDraft implements Listing {
  readonly method: MethodName;
  readonly accessPointId: string;
  readonly sink: Sink;
  /** `Outcome`, or `HINT`. */
  readonly #found: Uint8Array;
  /** Of objects that are not as the inventory has them. */
  #otherSizeBytes: Float64Array | null = null;
  readonly #inventory: Inventory;
  readonly #begunAtS: number;

  /** `nowS`: what it shows is at least as new. */
  constructor(inventory: Inventory, accessPointId: string, method: MethodName, nowS: number) {
    const count = inventory.paths.length;
    this.accessPointId = accessPointId;
    this.method = method;
    this.#found = new Uint8Array(count);
    this.#inventory = inventory;
    this.#begunAtS = nowS;
    const put = (id: number, found: number, sizeBytes: number) => {
      this.#found[id] = found;
      if (found !== Outcome.different) return;
      this.#otherSizeBytes ??= new Float64Array(count);
      this.#otherSizeBytes[id] = sizeBytes;
    };
    this.sink = {
      record: put,
      hint: (id) => put(id, HINT, inventory.sizeBytes[id] as number),
      fail: (id) => put(id, Outcome.none, -1),
      withdraw: () => void this.#found.fill(Outcome.none),
      // Samples confirm it, at the access point that it is to count for.
      confirm: () => {},
      dismiss: () => void this.#found.fill(Outcome.none),
    };
  }

  readonly outcome = (id: number): OutcomeCode =>
    this.isHint(id) ? Outcome.present : (this.#found[id] as OutcomeCode);
  readonly sizeBytes = (id: number): number => {
    const outcome = this.outcome(id);
    if (outcome === Outcome.present) return this.#inventory.sizeBytes[id] as number;
    return outcome === Outcome.different ? (this.#otherSizeBytes?.[id] as number) : -1;
  };
  readonly isHint = (id: number): boolean => this.#found[id] === HINT;
  readonly evidenceAtS = (): number => this.#begunAtS;
}
