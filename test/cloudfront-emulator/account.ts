import { randomBytes } from 'node:crypto';
import { QUOTAS } from './quotas.ts';
import { ServiceError } from './service-error.ts';
import { EmulatedStore, newETag } from './store.ts';

export interface FunctionStage {
  readonly code: Buffer;
  readonly comment: string;
  readonly runtime: string;
  readonly storeArn: string | null;
  readonly etag: string;
  readonly modifiedAtMs: number;
}

export interface EmulatedFunction {
  readonly name: string;
  readonly arn: string;
  readonly createdAtMs: number;
  development: FunctionStage;
  live: FunctionStage | null;
  /** Every published version, oldest first. */
  readonly published: FunctionStage[];
}

export interface EmulatedInvalidation {
  readonly id: string;
  readonly paths: readonly string[];
  readonly callerReference: string;
  readonly createdAtMs: number;
}

export interface FunctionDraft {
  readonly code: Buffer;
  readonly comment: string;
  readonly runtime: string;
  readonly storeArns: readonly string[];
}

/** What one AWS account holds. Methods throw ServiceError with the service's codes. */
export class Account {
  readonly id: string;
  readonly stores = new Map<string, EmulatedStore>();
  readonly functions = new Map<string, EmulatedFunction>();
  /** By distribution. */
  readonly invalidations = new Map<string, EmulatedInvalidation[]>();

  constructor(id: string) {
    this.id = id;
  }

  addDistribution(): string {
    const id = `E${randomBytes(7).toString('hex').toUpperCase().slice(0, 13)}`;
    this.invalidations.set(id, []);
    return id;
  }

  createStore(name: string, comment: string, nowMs: number): EmulatedStore {
    if (!/^[a-zA-Z0-9-_]{1,64}$/.test(name)) throw new ServiceError(400, 'InvalidArgument', 'The name is not valid.');
    if (this.stores.has(name)) throw new ServiceError(409, 'EntityAlreadyExists', 'The entity already exists.');
    if (this.stores.size >= QUOTAS.storesPerAccount) {
      throw new ServiceError(400, 'EntityLimitExceeded', 'The entity limit has been exceeded.');
    }
    const store = new EmulatedStore(name, comment, this.id, nowMs);
    this.stores.set(name, store);
    return store;
  }

  store(name: string): EmulatedStore {
    const store = this.stores.get(name);
    if (store === undefined) throw new ServiceError(404, 'EntityNotFound', 'The entity was not found.');
    return store;
  }

  storeByArn(arn: string): EmulatedStore {
    const store = [...this.stores.values()].find((one) => one.arn === arn);
    if (store === undefined) throw new ServiceError(404, 'ResourceNotFoundException', 'Key-Value-Store not found');
    return store;
  }

  deleteStore(name: string): void {
    const { arn } = this.store(name);
    const isUsed = [...this.functions.values()].some((one) =>
      [one.development.storeArn, one.live?.storeArn].includes(arn),
    );
    if (isUsed) throw new ServiceError(409, 'CannotDeleteEntityWhileInUse', 'The entity is in use.');
    this.stores.delete(name);
  }

  createFunction(name: string, draft: FunctionDraft, nowMs: number): EmulatedFunction {
    if (!/^[a-zA-Z0-9-_]{1,64}$/.test(name)) throw new ServiceError(400, 'InvalidArgument', 'The name is not valid.');
    if (this.functions.has(name)) {
      throw new ServiceError(409, 'FunctionAlreadyExists', 'A function with the same name already exists.');
    }
    if (this.functions.size >= QUOTAS.functionsPerAccount) {
      throw new ServiceError(400, 'TooManyFunctions', 'You have reached the maximum number of CloudFront functions.');
    }
    const development = this.#stageOf(draft, nowMs);
    const arn = `arn:aws:cloudfront::${this.id}:function/${name}`;
    const created = { name, arn, createdAtMs: nowMs, development, live: null, published: [] };
    this.functions.set(name, created);
    return created;
  }

  function(name: string): EmulatedFunction {
    const found = this.functions.get(name);
    if (found === undefined) throw new ServiceError(404, 'NoSuchFunctionExists', 'The function does not exist.');
    return found;
  }

  updateFunction(name: string, ifMatch: string | undefined, draft: FunctionDraft, nowMs: number): EmulatedFunction {
    const found = this.functionAt(name, ifMatch);
    found.development = this.#stageOf(draft, nowMs);
    return found;
  }

  publishFunction(name: string, ifMatch: string | undefined, nowMs: number): EmulatedFunction {
    const found = this.functionAt(name, ifMatch);
    found.live = { ...found.development, etag: newETag(), modifiedAtMs: nowMs };
    found.published.push(found.live);
    return found;
  }

  /** The function whose development stage has this ETag. */
  functionAt(name: string, ifMatch: string | undefined): EmulatedFunction {
    const found = this.function(name);
    if (ifMatch === undefined) {
      throw new ServiceError(400, 'InvalidIfMatchVersion', 'The If-Match version is missing or not valid.');
    }
    if (ifMatch !== found.development.etag) {
      throw new ServiceError(412, 'PreconditionFailed', 'The request failed because the ETag does not match.');
    }
    return found;
  }

  invalidate(distribution: string, paths: readonly string[], callerReference: string, nowMs: number, liveMs: number) {
    const all = this.invalidations.get(distribution);
    if (all === undefined) {
      throw new ServiceError(404, 'NoSuchDistribution', 'The specified distribution does not exist.');
    }
    const same = all.find((one) => one.callerReference === callerReference);
    if (same !== undefined) return same;
    const bad = paths.find((path) => !/^\/[\x21-\x7e]*$/.test(path) || path.slice(0, -1).includes('*'));
    if (bad !== undefined || paths.length === 0) {
      throw new ServiceError(400, 'InvalidArgument', 'Your request contains one or more invalid invalidation paths.');
    }
    const inProgress = all.filter((one) => nowMs < one.createdAtMs + liveMs).flatMap((one) => one.paths);
    if (paths.length > QUOTAS.pathsInProgress)
      throw new ServiceError(413, 'BatchTooLarge', 'Invalidation batch too large.');
    const wildcards = [...inProgress, ...paths].filter((path) => path.endsWith('*')).length;
    if (inProgress.length + paths.length > QUOTAS.pathsInProgress || wildcards > QUOTAS.wildcardsInProgress) {
      throw new ServiceError(
        400,
        'TooManyInvalidationsInProgress',
        'Processing your request will cause you to exceed the maximum number of in-progress wildcard invalidations.',
      );
    }
    const created = { id: `I${newETag()}`, paths, callerReference, createdAtMs: nowMs };
    all.push(created);
    return created;
  }

  #stageOf({ code, comment, runtime, storeArns }: FunctionDraft, nowMs: number): FunctionStage {
    if (code.length > QUOTAS.functionBytes) {
      throw new ServiceError(413, 'FunctionSizeLimitExceeded', 'The function is too large.');
    }
    if (storeArns.length > QUOTAS.storesPerFunction) {
      throw new ServiceError(400, 'InvalidArgument', 'A function can have only one key value store.');
    }
    const [storeArn = null] = storeArns;
    if (storeArn !== null) {
      const store = [...this.stores.values()].find((one) => one.arn === storeArn);
      if (store === undefined) throw new ServiceError(404, 'EntityNotFound', 'The entity was not found.');
      if (store.status(nowMs) !== 'READY') {
        throw new ServiceError(
          400,
          'InvalidArgument',
          `${storeArn} cannot be associated before the resource is provisioned.`,
        );
      }
    }
    return { code, comment, runtime, storeArn, etag: newETag(), modifiedAtMs: nowMs };
  }
}
