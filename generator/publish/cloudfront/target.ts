import { CLOUDFRONT_PRICES_USD } from '../../../core/cloudfront-prices.ts';
import { quoted } from '../../../core/errors.ts';
import type { EdgeContent, EdgePlan, EdgeTarget, EdgeWork, GoldenEvent, PublishContext } from '../contract.ts';
import { type ControlPlane, controlPlane } from './control-plane.ts';
import { type DataPlane, dataPlane } from './data-plane.ts';
import { type InvalidationMode, invalidate, urlPaths } from './invalidate.ts';
import { deleteBatches } from './key-plan.ts';
import { type Clock, KeyStore, type StateKeeper } from './key-store.ts';
import { bytesOf } from './keys.ts';
import { costUsd, dollars, LIMITS } from './limits.ts';
import { isWanted, publishFunction } from './publish-function.ts';
import { checkedPlan, publishKeys, sweepKeys } from './publish-keys.ts';
import type { ClientOptions } from './sdk-options.ts';

export interface CloudFrontOptions {
  /** As the configuration names the target. */
  readonly name: string;
  /** The KeyValueStore; created where it is missing. */
  readonly store: string;
  /** The function; created where it is missing. */
  readonly function: string;
  /** Whose pages are invalidated; null = there is none to invalidate. */
  readonly distribution: string | null;
  readonly invalidation: InvalidationMode;
  readonly client: ClientOptions;
  readonly clock: Clock;
  readonly keeper: StateKeeper;
}

/** CloudFront as a place where viewers are answered: a KeyValueStore, a function, a distribution. */
export function cloudFrontTarget(options: CloudFrontOptions): EdgeTarget {
  // A word to developers on which Node future versions of the SDK will want: nothing for an operator's terminal.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  return new CloudFrontTarget(options, controlPlane(options.client), dataPlane(options.client, options.store));
}

class CloudFrontTarget implements EdgeTarget {
  readonly name: string;
  readonly #options: CloudFrontOptions;
  readonly #control: ControlPlane;
  readonly #data: DataPlane;
  readonly #store: KeyStore;

  constructor(options: CloudFrontOptions, control: ControlPlane, data: DataPlane) {
    this.name = options.name;
    this.#options = options;
    this.#control = control;
    this.#data = data;
    this.#store = new KeyStore(options.store, control, data, options.keeper, options.clock);
  }

  async plan({ keys, functionCode }: EdgeContent, context: PublishContext): Promise<EdgePlan> {
    const { store, function: name } = this.#options;
    const before = this.#data.calls();
    const arn = await this.#store.find(context);
    const stored = arn === null ? new Map<string, string>() : (await this.#store.read(context)).keys;
    const plan = checkedPlan(stored, keys, store);
    const live = await this.#control.readFunction(name, 'LIVE', context.signal);
    const functionChanges = !isWanted(live, functionCode, arn);
    const writes = plan.puts.length + deleteBatches([...plan.cleared, ...plan.removed]).length;
    const reads = this.#data.calls() - before;
    const heldBytes = bytesOf(new Map([...stored, ...keys]));
    const notes = [
      ...(arn === null ? [`the store ${quoted(store)} is not there, or not ready: it is created`] : []),
      ...(live === null ? [`the function ${quoted(name)} is published for the first time`] : []),
      ...[...new Set(plan.settleBefore.values())].map((why) => `${why}: this takes some minutes`),
      `the store is ${Math.round((heldBytes / LIMITS.storeBytes) * 100)} % full while both are there`,
      ...(reads === 0 ? [] : [`reading the store took ${reads} calls, ${dollars(costUsd(reads))}`]),
    ];
    context.progress.note(
      `${this.name}: ${count(plan.added)} keys to add, ${count(plan.changed)} to change, ${count(plan.removed.length + plan.cleared.length)} to delete, ${count(writes)} calls, ${dollars(costUsd(writes))}; ${notes.join('; ')}`,
    );
    return {
      keysAdded: plan.added,
      keysChanged: plan.changed,
      keysRemoved: plan.removed.length + plan.cleared.length,
      keyBytes: plan.bytes,
      functionChanges,
      calls: writes,
      costUsd: costUsd(writes),
      notes,
    };
  }

  publishKeys({ keys }: EdgeContent, context: PublishContext): Promise<EdgeWork> {
    return this.#counted(async () => {
      const { added, changed, deleted, bytes } = await publishKeys(this.#store, keys, this.#options.clock, context);
      const all = added + changed + deleted;
      const summary = `${count(added)} keys added, ${count(changed)} changed${deleted === 0 ? '' : `, ${count(deleted)} deleted`}`;
      return { bytes, summary: all === 0 ? 'all keys are there already' : summary };
    });
  }

  publishFunction(content: EdgeContent, golden: readonly GoldenEvent[], context: PublishContext): Promise<EdgeWork> {
    return this.#counted(async () => {
      const { function: name, clock } = this.#options;
      const arn = await this.#store.ensure(context);
      const { published, utilization } = await publishFunction(
        this.#control,
        name,
        arn,
        content,
        golden,
        clock,
        context,
      );
      return published
        ? {
            bytes: Buffer.byteLength(content.functionCode),
            summary: `function published; ${golden.length} tests took at most ${utilization} % of the time allowed`,
          }
        : { bytes: 0, summary: 'the function is live already' };
    });
  }

  invalidate(paths: readonly string[], releaseId: string, context: PublishContext): Promise<EdgeWork> {
    return this.#counted(async () => {
      const { distribution, invalidation, clock } = this.#options;
      const urls = urlPaths(paths, invalidation);
      if (distribution === null || urls.length === 0) return { bytes: 0, summary: 'nothing to invalidate' };
      await invalidate(this.#control, distribution, urls, releaseId, clock, context);
      const most = dollars(urls.length * CLOUDFRONT_PRICES_USD.invalidationPath);
      return {
        bytes: 0,
        summary: `${count(urls.length)} paths invalidated (${most} beyond the 1,000 a month that are free)`,
      };
    });
  }

  sweepKeys({ keys }: EdgeContent, context: PublishContext): Promise<EdgeWork> {
    return this.#counted(async () => {
      const { deleted, left } = await sweepKeys(this.#store, keys, this.#options.clock, context);
      return { bytes: 0, summary: `${count(deleted)} old keys deleted, ${count(left)} left to the next publication` };
    });
  }

  async close(): Promise<void> {
    this.#control.close();
    this.#data.close();
  }

  /** Adds the calls that the work took, and their price to the sentence. */
  async #counted(work: () => Promise<Omit<EdgeWork, 'calls'>>): Promise<EdgeWork> {
    const before = [this.#control.calls(), this.#data.calls()] as const;
    const { bytes, summary } = await work();
    const keyCalls = this.#data.calls() - before[1];
    const calls = this.#control.calls() - before[0] + keyCalls;
    return { calls, bytes, summary: `${summary}; ${calls} calls, ${dollars(costUsd(keyCalls))}` };
  }
}

function count(number: number): string {
  return number.toLocaleString('en');
}
