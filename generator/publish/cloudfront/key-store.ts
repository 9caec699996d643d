import { quoted, RunError } from '../../../core/errors.ts';
import type { PublishContext } from '../contract.ts';
import type { ControlPlane } from './control-plane.ts';
import type { DataPlane } from './data-plane.ts';
import { applied, type Batch } from './key-plan.ts';
import { ServiceFault, STALE } from './service-errors.ts';
import type { KnownState } from './state-file.ts';

/** Time, as a parameter. `sleep` ends early, and without an error, once the signal is raised. */
export interface Clock {
  nowMs(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Where a store's state is kept between publications. */
export interface StateKeeper {
  read(): KnownState | null;
  write(state: KnownState): void;
}

const PROVISIONING_POLL_MS = 5_000;
const MOST_PROVISIONING_MS = 600_000;
const COMMENT = 'Keys of the edge, written by redirector';

/**
 * A KeyValueStore and what is known of it. What the last publication left there is remembered, with the store's ETag:
 * so it need not be listed, and the first write proves that nothing has changed since.
 */
export class KeyStore {
  readonly name: string;
  readonly #control: ControlPlane;
  readonly #data: DataPlane;
  readonly #keeper: StateKeeper;
  readonly #clock: Clock;
  #arn: string | null = null;
  #state: KnownState | null = null;
  /** What was kept is read once: after that it is either in force or known to be out of date. */
  #isRead = false;

  constructor(name: string, control: ControlPlane, data: DataPlane, keeper: StateKeeper, clock: Clock) {
    this.name = name;
    this.#control = control;
    this.#data = data;
    this.#keeper = keeper;
    this.#clock = clock;
  }

  /** The store's ARN; null where it does not exist, or is not ready yet. Creates nothing. */
  async find({ signal }: PublishContext): Promise<string | null> {
    if (this.#arn !== null) return this.#arn;
    const found = await this.#control.describeStore(this.name, signal);
    if (found?.isReady) this.#arn = found.arn;
    return this.#arn;
  }

  /** As `find`, but creates the store where it is missing, and waits until it is ready. */
  async ensure(context: PublishContext): Promise<string> {
    const { signal, progress } = context;
    const found = await this.find(context);
    if (found !== null) return found;
    if ((await this.#control.describeStore(this.name, signal)) === null) {
      progress.note(`creating the store ${quoted(this.name)}; it takes about half a minute`);
      await this.#create(signal);
    }
    const startedAtMs = this.#clock.nowMs();
    for (;;) {
      const arn = await this.find(context);
      if (arn !== null) return arn;
      if (signal.aborted) throw new RunError('interrupted while the store was being made; what was done is kept');
      if (this.#clock.nowMs() - startedAtMs > MOST_PROVISIONING_MS) {
        throw new RunError(`the store ${quoted(this.name)} is not ready after ten minutes; repeat the command later`);
      }
      await this.#clock.sleep(PROVISIONING_POLL_MS, signal);
    }
  }

  /** What it holds: as remembered, else listed. */
  async read(context: PublishContext): Promise<KnownState> {
    const arn = await this.ensure(context);
    if (this.#state === null && !this.#isRead) this.#state = this.#keeper.read();
    this.#isRead = true;
    if (this.#state?.arn !== arn) this.#state = await this.#list(arn, context);
    return this.#state;
  }

  /** Throws a ServiceFault with the code `STALE` where it does not hold what is remembered any more. */
  async confirm(state: KnownState, { signal }: PublishContext): Promise<void> {
    this.#state = null;
    const { etag } = await this.#data.describe(state.arn, signal);
    if (etag !== state.etag) {
      throw new ServiceFault(STALE, `the store ${quoted(this.name)} was changed by somebody else; repeat the command`);
    }
    this.#state = state;
  }

  /**
   * Writes one batch over the state that was read. A ServiceFault with the code `STALE` where somebody else has written
   * meanwhile; what was remembered is then forgotten.
   */
  async write(state: KnownState, batch: Batch, { signal }: PublishContext): Promise<KnownState> {
    // Until the answer is here, it is not known whether the store has changed.
    this.#state = null;
    const etag = await this.#data.update(state.arn, state.etag, batch, signal);
    const writtenAtMs = batch.puts.length > 0 ? this.#clock.nowMs() : state.writtenAtMs;
    this.#state = { ...state, etag, keys: applied(state.keys, batch), writtenAtMs };
    return this.#state;
  }

  /** Keeps what is known for the next publication; of the keys that nobody wants, since when. */
  remember(unwantedSinceMs?: ReadonlyMap<string, number>): void {
    if (this.#state === null) return;
    if (unwantedSinceMs !== undefined) this.#state = { ...this.#state, unwantedSinceMs };
    this.#keeper.write(this.#state);
  }

  async #create(signal: AbortSignal): Promise<void> {
    try {
      await this.#control.createStore(this.name, COMMENT, signal);
    } catch (error) {
      // An attempt whose answer was lost has made it.
      if (!(error instanceof ServiceFault && error.code === 'EntityAlreadyExists')) throw error;
    }
  }

  async #list(arn: string, { progress, signal }: PublishContext): Promise<KnownState> {
    // The ETag first: if the store changes under the listing, the first write is refused.
    const { etag, modifiedAtMs } = await this.#data.describe(arn, signal);
    const task = progress.start('store', 0, 'keys');
    try {
      const keys = await this.#data.list(arn, signal, (count) => task.advance(count));
      return { arn, etag, keys, writtenAtMs: modifiedAtMs, unwantedSinceMs: new Map() };
    } finally {
      task.end();
    }
  }
}
