import type { Liveness, MethodName, Observations, OutcomeCode } from '../core/observations.ts';
import { METHODS, Outcome } from '../core/observations.ts';
import type { MethodReport, Sink } from './methods/contract.ts';

const MAX_REASONS = 256;
const OTHER = 'other';
/** In the column of this run: a check that proved nothing. The other values are those of `Outcome`. */
const FAILED = 255;
const PROGRESS_STEP = 1024;

export interface RecorderCounts {
  readonly present: number;
  readonly absent: number;
  readonly different: number;
  readonly failed: number;
}

/** What one run finds at one access point, written into the columns that older runs left. */
export class Recorder {
  readonly observations: Observations;
  readonly asked: number;
  readonly #nowMs: () => number;
  readonly #startedAtMs: number;
  readonly #onSettled: (objects: number) => void;
  readonly #thisRun: Uint8Array;
  readonly #before: Pick<Observations, 'outcome' | 'sizeBytes' | 'evidenceAtS' | 'method'>;
  readonly #reasons: Map<string, number>;
  #settled = 0;
  #reported = 0;

  /** `asked`: how many objects this run is to check; `onSettled` hears of new results in batches. */
  constructor(observations: Observations, asked: number, nowMs: () => number, onSettled: (objects: number) => void) {
    this.observations = observations;
    this.asked = asked;
    this.#nowMs = nowMs;
    this.#startedAtMs = nowMs();
    this.#onSettled = onSettled;
    this.#thisRun = new Uint8Array(observations.outcome.length);
    this.#before = {
      outcome: observations.outcome.slice(),
      sizeBytes: observations.sizeBytes.slice(),
      evidenceAtS: observations.evidenceAtS.slice(),
      method: observations.method.slice(),
    };
    this.#reasons = compactReasons(observations);
    observations.cost = { startedAtS: this.nowS(), elapsedMs: 0, requests: 0, connections: 0 };
  }

  nowS(): number {
    return Math.floor(this.#nowMs() / 1000);
  }

  /** The sink of one method. */
  sink(method: MethodName): Sink {
    const code = METHODS.indexOf(method);
    return {
      record: (objectId, outcome, sizeBytes) => this.#record(objectId, outcome, sizeBytes, code, this.nowS()),
      fail: (objectId, reason) => this.#fail(objectId, reason),
      withdrawFound: (reason) => this.#withdrawFound(reason),
    };
  }

  /** What this run found of an object: evidence, or `none` where it failed or was not asked. */
  foundOutcome(objectId: number): OutcomeCode {
    const found = this.#thisRun[objectId] as number;
    return found === FAILED ? Outcome.none : (found as OutcomeCode);
  }

  /** Takes over the evidence that `listing` won in this run, as 'rsync+sample' and as old as it is there. */
  takeOver(objectIds: Int32Array, listing: Recorder): void {
    const { sizeBytes, evidenceAtS } = listing.observations;
    const code = METHODS.indexOf('rsync+sample');
    for (const id of objectIds) {
      const outcome = listing.foundOutcome(id);
      if (outcome !== Outcome.none) {
        this.#record(id, outcome, sizeBytes[id] as number, code, evidenceAtS[id] as number);
      }
    }
  }

  failAll(objectIds: Int32Array, reason: string): void {
    for (const id of objectIds) this.#fail(id, reason);
  }

  addCost(report: MethodReport): void {
    const { cost } = this.observations;
    this.observations.cost = {
      startedAtS: cost.startedAtS,
      elapsedMs: Math.max(0, Math.round(this.#nowMs() - this.#startedAtMs)),
      requests: cost.requests + report.requests,
      connections: cost.connections + report.connections,
      ...(report.bytes === undefined ? {} : { bytes: (cost.bytes ?? 0) + report.bytes }),
    };
  }

  /** `since` moves only when the state does. */
  setLiveness(state: Liveness['state'], reason: string): void {
    const before = this.observations.liveness;
    const checkedAtS = this.nowS();
    const sinceS = before.state === state && before.checkedAtS !== 0 ? before.sinceS : checkedAtS;
    this.observations.liveness = { state, sinceS, checkedAtS, reason };
  }

  counts(): RecorderCounts {
    const byValue = new Uint32Array(256);
    for (const value of this.#thisRun) byValue[value]!++;
    const count = (value: number) => byValue[value] as number;
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
    if (this.#thisRun[objectId] === 0 && ++this.#settled - this.#reported >= PROGRESS_STEP) this.flushProgress();
    this.#thisRun[objectId] = value;
  }

  #record(objectId: number, outcome: OutcomeCode, sizeBytes: number, method: number, atS: number): void {
    const { observations } = this;
    observations.outcome[objectId] = outcome;
    observations.sizeBytes[objectId] = sizeBytes;
    observations.evidenceAtS[objectId] = atS;
    observations.method[objectId] = method;
    observations.failedAtS[objectId] = 0;
    observations.failure[objectId] = 0;
    this.#settle(objectId, outcome);
  }

  #fail(objectId: number, reason: string): void {
    this.observations.failedAtS[objectId] = this.nowS();
    this.observations.failure[objectId] = this.#reasonIndex(reason);
    this.#settle(objectId, FAILED);
  }

  #reasonIndex(reason: string): number {
    const known = this.#reasons.get(reason);
    if (known !== undefined) return known;
    const { failures } = this.observations;
    const text = failures.length < MAX_REASONS - 1 ? reason : OTHER;
    const index = this.#reasons.get(text) ?? failures.push(text) - 1;
    this.#reasons.set(text, index);
    return index;
  }

  #withdrawFound(reason: string): void {
    const { observations } = this;
    const before = this.#before;
    for (let id = 0; id < this.#thisRun.length; id++) {
      const found = this.#thisRun[id];
      if (found !== Outcome.present && found !== Outcome.different) continue;
      observations.outcome[id] = before.outcome[id] as number;
      observations.sizeBytes[id] = before.sizeBytes[id] as number;
      observations.evidenceAtS[id] = before.evidenceAtS[id] as number;
      observations.method[id] = before.method[id] as number;
      this.#fail(id, reason);
    }
  }
}

/** Drops the reasons that no cell uses any more, so that the table has room for new ones. */
function compactReasons(observations: Observations): Map<string, number> {
  const { failures, failure, failedAtS } = observations;
  const old = failures.splice(0);
  const indexOf = new Map<string, number>();
  const renumbered = new Int16Array(MAX_REASONS).fill(-1);
  for (let id = 0; id < failure.length; id++) {
    if (failedAtS[id] === 0) continue;
    const index = failure[id] as number;
    if (renumbered[index] === -1) {
      const reason = old[index] ?? OTHER;
      const known = indexOf.get(reason) ?? failures.push(reason) - 1;
      indexOf.set(reason, known);
      renumbered[index] = known;
    }
    failure[id] = renumbered[index] as number;
  }
  return indexOf;
}
