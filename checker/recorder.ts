import type { Liveness, MethodName, Observations, OutcomeCode } from '../core/observations.ts';
import { methodNumber, NO_METHOD, Outcome } from '../core/observations.ts';
import { FailureReasons, MAX_REASONS, OTHER } from './failure-reasons.ts';
import { IdList } from './ids.ts';
import type { Listing } from './listing.ts';
import type { MethodReport, Sink } from './methods/contract.ts';

/** In the column of this run: a check that proved nothing. The other values are those of `Outcome`. */
const FAILED = 255;
/** What a column of bytes can hold. */
const MAX_TIMES = 255;
const PROGRESS_STEP = 1024;

export interface RecorderCounts {
  readonly present: number;
  readonly absent: number;
  readonly different: number;
  readonly failed: number;
}

/** The run that a recorder belongs to. */
export interface RecordedRun {
  readonly startedAtS: number;
  /** '' = none was told. */
  readonly vantage: string;
}

/** What one run finds at one access point, written into the columns that older runs left. */
export class Recorder {
  readonly observations: Observations;
  readonly asked: number;
  readonly #nowMs: () => number;
  readonly #startedAtMs: number;
  readonly #onSettled: (objects: number) => void;
  readonly #thisRun: Uint8Array;
  /** How many objects have each value in `#thisRun`. */
  readonly #tally = new Int32Array(256);
  /** Null where nothing had failed. */
  readonly #failedTimesBefore: Uint8Array | null;
  readonly #readBefore: () => Observations;
  /** Read when something is taken back. */
  #before: Observations | null = null;
  /** Objects of which something was recorded that is not confirmed. */
  readonly #unconfirmed = new IdList();
  readonly #reasons: FailureReasons;
  readonly #vantage: string;
  readonly #spentBeforeMs: number;
  readonly #roundTripsMs: number[] = [];
  #settled = 0;
  #reported = 0;

  /**
   * `known` answers what older runs left, each time anew: the columns that are written into, and once more where
   * something is taken back. `asked`: how many objects are to be checked now; `onSettled` hears of new results in
   * batches. The cost is added to what earlier checks of the same run have spent.
   */
  constructor(
    known: () => Observations,
    asked: number,
    nowMs: () => number,
    onSettled: (objects: number) => void,
    run?: RecordedRun,
  ) {
    const observations = known();
    this.observations = observations;
    this.#readBefore = known;
    this.asked = asked;
    this.#nowMs = nowMs;
    this.#startedAtMs = nowMs();
    this.#onSettled = onSettled;
    this.#thisRun = new Uint8Array(observations.outcome.length);
    this.#reasons = new FailureReasons(observations);
    const { failedTimes } = observations;
    this.#failedTimesBefore = failedTimes.some((times) => times !== 0) ? failedTimes.slice() : null;
    this.#vantage = run?.vantage ?? '';
    if (run === undefined || observations.cost.startedAtS !== run.startedAtS) {
      const startedAtS = run?.startedAtS ?? this.nowS();
      observations.cost = { startedAtS, elapsedMs: 0, requests: 0, connections: 0 };
    }
    this.#spentBeforeMs = observations.cost.elapsedMs;
  }

  nowS(): number {
    return Math.floor(this.#nowMs() / 1000);
  }

  /** The sink of the method that checks the access point: what it proves is a check of its own; `isProof`: at once. */
  sink(method: MethodName, isProof = false): Sink {
    const code = methodNumber(this.observations.methods, method);
    const record = (objectId: number, outcome: OutcomeCode, sizeBytes: number) =>
      this.#record(objectId, outcome, sizeBytes, code, this.nowS(), true);
    return {
      record: isProof
        ? record
        : (objectId, outcome, sizeBytes) => {
            record(objectId, outcome, sizeBytes);
            this.#unconfirmed.push(objectId);
          },
      hint: (objectId) => this.#fail(objectId, 'listed without its exact size'),
      fail: (objectId, reason) => this.#fail(objectId, reason),
      withdraw: (outcomes, reason) => this.#withdraw(outcomes, reason),
      confirm: () => this.confirm(),
      dismiss: (reason) => this.#dismiss(reason),
    };
  }

  /** What was recorded so far counts. */
  confirm(): void {
    this.#unconfirmed.clear();
  }

  /** What was recorded and not confirmed is as if it had not been asked for. */
  takeBack(): void {
    const { observations } = this;
    for (const id of this.#unconfirmed.ids()) {
      if (this.foundOutcome(id) === Outcome.none) continue;
      const before = this.#restore(id);
      const failedAtS = before.failedAtS[id] as number;
      observations.failedAtS[id] = failedAtS;
      observations.failedTimes[id] = before.failedTimes[id] as number;
      observations.failure[id] =
        failedAtS === 0 ? 0 : this.#reasons.indexOf(before.failures[before.failure[id] as number] ?? OTHER);
      this.#tally[this.#thisRun[id] as number]!--;
      this.#thisRun[id] = 0;
    }
    this.#unconfirmed.clear();
  }

  /** What this run found of an object: evidence, or `none` where it failed or was not asked. */
  foundOutcome(objectId: number): OutcomeCode {
    const found = this.#thisRun[objectId] as number;
    return found === FAILED ? Outcome.none : (found as OutcomeCode);
  }

  /** Takes over what a listing of this run shows and samples confirmed, under the name of `method` and as old as it is there. */
  takeOver(objectIds: Iterable<number>, listing: Listing, method: MethodName): void {
    const code = methodNumber(this.observations.methods, method);
    for (const id of objectIds) {
      const outcome = listing.outcome(id);
      if (outcome !== Outcome.none) {
        this.#record(id, outcome, listing.sizeBytes(id), code, listing.evidenceAtS(id), false);
      }
    }
  }

  failAll(objectIds: Iterable<number>, reason: string): void {
    for (const id of objectIds) this.#fail(id, reason);
  }

  /** What failed in this run has failed once more in a row. To be called once, where each of them was asked for. */
  countFailures(): void {
    if (this.#tally[FAILED] === 0) return;
    const { failedTimes } = this.observations;
    for (let id = 0; id < this.#thisRun.length; id++) {
      if (this.#thisRun[id] === FAILED) failedTimes[id] = Math.min(MAX_TIMES, (failedTimes[id] as number) + 1);
    }
  }

  addCost(report: MethodReport): void {
    const { cost } = this.observations;
    this.observations.cost = {
      startedAtS: cost.startedAtS,
      elapsedMs: this.#spentBeforeMs + Math.max(0, Math.round(this.#nowMs() - this.#startedAtMs)),
      requests: cost.requests + report.requests,
      connections: cost.connections + report.connections,
      ...(report.bytes === undefined ? {} : { bytes: (cost.bytes ?? 0) + report.bytes }),
    };
    this.#roundTripsMs.push(...(report.roundTripsMs ?? []));
  }

  /** `since` moves only when the state does. `holds`: no probe clears it. */
  setLiveness(state: Liveness['state'], reason: string, holds = false): void {
    const before = this.observations.liveness;
    const checkedAtS = this.nowS();
    const sinceS = before.state === state && before.checkedAtS !== 0 ? before.sinceS : checkedAtS;
    this.observations.liveness = { state, sinceS, checkedAtS, reason, ...(holds ? { holds } : {}) };
  }

  /** Puts what the check found as a whole under its vantage's name. To be called last. */
  report(): void {
    const { observations } = this;
    const { liveness, cost, vantages } = observations;
    const roundTripMs = median(this.#roundTripsMs) ?? vantages[this.#vantage]?.roundTripMs ?? null;
    observations.vantages = { ...vantages, [this.#vantage]: { liveness, cost, roundTripMs } };
  }

  /**
   * Of all objects that were ever asked for: how many, of how many the last check proved nothing, and what most of those
   * failed for; null where there is none of those.
   */
  standing(): { readonly known: number; readonly failing: number; readonly mostly: string } | null {
    const { outcome, failedAtS, failure, failures } = this.observations;
    if (failures.length === 0) return null;
    const failedFor = new Uint32Array(MAX_REASONS);
    let known = 0;
    let failing = 0;
    for (let id = 0; id < outcome.length; id++) {
      if (failedAtS[id] === 0 && outcome[id] === Outcome.none) continue;
      known++;
      if (failedAtS[id] === 0) continue;
      failing++;
      failedFor[failure[id] as number]!++;
    }
    const most = failedFor.reduce((best, count, i) => (count > (failedFor[best] as number) ? i : best), 0);
    return failing === 0 ? null : { known, failing, mostly: failures[most] ?? '' };
  }

  counts(): RecorderCounts {
    const count = (value: number) => this.#tally[value] as number;
    return {
      present: count(Outcome.present),
      absent: count(Outcome.absent),
      different: count(Outcome.different),
      failed: count(FAILED),
    };
  }

  /** Tells the progress what is not told yet. */
  flushProgress(): void {
    if (this.#settled > this.#reported) this.#onSettled(this.#settled - this.#reported);
    this.#reported = this.#settled;
  }

  #settle(objectId: number, value: number): void {
    const before = this.#thisRun[objectId] as number;
    this.#tally[before]!--;
    this.#tally[value]!++;
    if (before === 0 && ++this.#settled - this.#reported >= PROGRESS_STEP) this.flushProgress();
    this.#thisRun[objectId] = value;
  }

  #record(id: number, outcome: OutcomeCode, sizeBytes: number, method: number, atS: number, isOwnCheck: boolean): void {
    const { observations } = this;
    observations.outcome[id] = outcome;
    observations.sizeBytes[id] = sizeBytes;
    observations.evidenceAtS[id] = atS;
    observations.method[id] = method;
    if (isOwnCheck || observations.ownCheckAtS[id] === 0) observations.ownCheckAtS[id] = atS;
    // Columns of zeros that nobody writes to take no memory.
    if (observations.failedAtS[id] !== 0 || observations.failedTimes[id] !== 0) {
      observations.failedAtS[id] = 0;
      observations.failedTimes[id] = 0;
      observations.failure[id] = 0;
    }
    this.#settle(id, outcome);
  }

  #fail(objectId: number, reason: string): void {
    this.observations.failedAtS[objectId] = this.nowS();
    this.observations.failedTimes[objectId] = this.#failedTimesBefore?.[objectId] ?? 0;
    this.observations.failure[objectId] = this.#reasons.indexOf(reason);
    this.#settle(objectId, FAILED);
  }

  #withdraw(outcomes: readonly OutcomeCode[], reason: string): void {
    for (let id = 0; id < this.#thisRun.length; id++) {
      const found = this.foundOutcome(id);
      if (found === Outcome.none || !outcomes.includes(found)) continue;
      this.#restore(id);
      this.#fail(id, reason);
    }
  }

  #dismiss(reason: string): void {
    for (const id of this.#unconfirmed.ids()) {
      if (this.foundOutcome(id) === Outcome.none) continue;
      this.#restore(id);
      this.#fail(id, reason);
    }
    this.#unconfirmed.clear();
  }

  /** The evidence that was there before this run. Answers all that was known. */
  #restore(id: number): Observations {
    this.#before ??= this.#readBefore();
    const { observations } = this;
    const before = this.#before;
    observations.outcome[id] = before.outcome[id] as number;
    observations.sizeBytes[id] = before.sizeBytes[id] as number;
    observations.evidenceAtS[id] = before.evidenceAtS[id] as number;
    const method = before.methods[before.method[id] as number] ?? NO_METHOD;
    observations.method[id] = methodNumber(observations.methods, method);
    observations.ownCheckAtS[id] = before.ownCheckAtS[id] as number;
    return before;
  }
}

/** To a tenth of a millisecond; null of none. */
function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  return middle === undefined ? null : Math.round(middle * 10) / 10;
}
