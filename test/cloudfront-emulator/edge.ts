import type { BuiltFunction, FunctionEvent, FunctionResponse } from '../../core/function-event.ts';
import { loadBuiltFunction } from '../../edge-shim/built-function.ts';
import type { Account, FunctionStage } from './account.ts';
import { arrivalMs, valueAt } from './propagation.ts';

/** One edge location: the function and the keys as they have come there so far. */
export class EmulatedEdge {
  readonly name: string;
  readonly #account: Account;
  readonly #nowMs: () => number;
  readonly #loaded = new Map<FunctionStage, BuiltFunction>();

  constructor(name: string, account: Account, nowMs: () => number) {
    this.name = name;
    this.#account = account;
    this.#nowMs = nowMs;
  }

  /** The answer to a viewer; null where no published function has come here yet. */
  async answer(functionName: string, event: FunctionEvent): Promise<FunctionResponse | null> {
    const stage = this.stage(functionName);
    if (stage === null) return null;
    let run = this.#loaded.get(stage);
    if (run === undefined) {
      run = loadBuiltFunction(stage.code.toString(), this.#keysOf(stage), functionName);
      this.#loaded.set(stage, run);
    }
    return run(event);
  }

  /** The function's newest version that is here. */
  stage(functionName: string): FunctionStage | null {
    const versions = this.#account.functions.get(functionName)?.published ?? [];
    return versions.findLast((one) => arrivalMs(this.name, functionName, one.modifiedAtMs) <= this.#nowMs()) ?? null;
  }

  /** All keys that are found here now by a version of the function. */
  keysNow(stage: FunctionStage): Map<string, string> {
    const store = this.#storeOf(stage);
    const found = new Map<string, string>();
    for (const key of store?.history.keys() ?? []) {
      const value = store === null ? undefined : valueAt(store, this.name, key, this.#nowMs());
      if (value !== undefined) found.set(key, value);
    }
    return found;
  }

  #keysOf(stage: FunctionStage): ReadonlyMap<string, string> {
    const store = this.#storeOf(stage);
    const get = (key: string) => (store === null ? undefined : valueAt(store, this.name, key, this.#nowMs()));
    return Object.assign(new Map<string, string>(), { get });
  }

  #storeOf(stage: FunctionStage) {
    return stage.storeArn === null ? null : this.#account.storeByArn(stage.storeArn);
  }
}
