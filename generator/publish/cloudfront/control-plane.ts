import {
  CloudFrontClient,
  CreateFunctionCommand,
  CreateInvalidationCommand,
  CreateKeyValueStoreCommand,
  DescribeFunctionCommand,
  DescribeKeyValueStoreCommand,
  type FunctionConfig,
  GetFunctionCommand,
  PublishFunctionCommand,
  TestFunctionCommand,
  UpdateFunctionCommand,
} from '@aws-sdk/client-cloudfront';
import { type ClientOptions, clientConfig, countCalls } from './sdk-options.ts';
import { ServiceFault, translating } from './service-errors.ts';

export interface StoreDescription {
  readonly arn: string;
  readonly isReady: boolean;
}

export type Stage = 'DEVELOPMENT' | 'LIVE';

/** A function's stage. */
export interface FunctionVersion {
  readonly etag: string;
  readonly code: string;
  readonly runtime: string;
  /** Null where it has none. */
  readonly storeArn: string | null;
}

export interface FunctionDraft {
  readonly code: string;
  readonly comment: string;
  readonly storeArn: string;
}

export interface TestResult {
  /** Percent of the time that is allowed. */
  readonly utilization: number;
  /** JSON: `{"response":…}` or `{"request":…}`. */
  readonly output: string;
  /** '' = none. */
  readonly error: string;
}

/** The interface of stores, functions and invalidations; its calls are free. Methods throw ServiceFault or UsageError. */
export interface ControlPlane {
  /** Null where there is none of that name. */
  describeStore(name: string, signal: AbortSignal): Promise<StoreDescription | null>;
  createStore(name: string, comment: string, signal: AbortSignal): Promise<void>;
  /** Null where the function, or that stage of it, does not exist. */
  readFunction(name: string, stage: Stage, signal: AbortSignal): Promise<FunctionVersion | null>;
  /** Creates it (`etag` null) or updates it; answers the ETag of its development stage. */
  writeFunction(name: string, etag: string | null, draft: FunctionDraft, signal: AbortSignal): Promise<string>;
  testFunction(name: string, etag: string, event: unknown, signal: AbortSignal): Promise<TestResult>;
  publishFunction(name: string, etag: string, signal: AbortSignal): Promise<void>;
  invalidate(distribution: string, paths: readonly string[], reference: string, signal: AbortSignal): Promise<void>;
  /** Calls so far, repeated ones too. */
  calls(): number;
  close(): void;
}

export const RUNTIME = 'cloudfront-js-2.0';

export function controlPlane(options: ClientOptions): ControlPlane {
  const client = new CloudFrontClient(clientConfig(options));
  const calls = countCalls(client.middlewareStack);
  const ask = <T>(kind: string, name: string, work: Promise<T>): Promise<T> =>
    translating(work, `the ${kind} ${JSON.stringify(name)}`);
  return {
    async describeStore(name, abortSignal) {
      const request = client.send(new DescribeKeyValueStoreCommand({ Name: name }), { abortSignal });
      const found = (await orNull(ask('store', name, request), 'EntityNotFound'))?.KeyValueStore;
      return found === undefined ? null : { arn: found.ARN ?? '', isReady: found.Status === 'READY' };
    },
    async createStore(name, comment, abortSignal) {
      await ask(
        'store',
        name,
        client.send(new CreateKeyValueStoreCommand({ Name: name, Comment: comment }), { abortSignal }),
      );
    },
    async readFunction(name, stage, abortSignal) {
      const described = await orNull(
        ask('function', name, client.send(new DescribeFunctionCommand({ Name: name, Stage: stage }), { abortSignal })),
        'NoSuchFunctionExists',
      );
      if (described === null) return null;
      const config = described.FunctionSummary?.FunctionConfig;
      const read = await ask(
        'function',
        name,
        client.send(new GetFunctionCommand({ Name: name, Stage: stage }), { abortSignal }),
      );
      return {
        etag: described.ETag ?? '',
        code: Buffer.from(read.FunctionCode ?? []).toString(),
        runtime: config?.Runtime ?? '',
        storeArn: config?.KeyValueStoreAssociations?.Items?.[0]?.KeyValueStoreARN ?? null,
      };
    },
    async writeFunction(name, etag, draft, abortSignal) {
      const request = { Name: name, FunctionConfig: configOf(draft), FunctionCode: Buffer.from(draft.code) };
      const written =
        etag === null
          ? client.send(new CreateFunctionCommand(request), { abortSignal })
          : client.send(new UpdateFunctionCommand({ ...request, IfMatch: etag }), { abortSignal });
      await ask('function', name, written);
      // Not from the answer: the SDK looks for the ETag of an update under a header of another name ("ETtag").
      const described = new DescribeFunctionCommand({ Name: name, Stage: 'DEVELOPMENT' });
      const found = await ask('function', name, client.send(described, { abortSignal }));
      return found.ETag ?? '';
    },
    async testFunction(name, etag, event, abortSignal) {
      const EventObject = Buffer.from(JSON.stringify(event));
      const request = new TestFunctionCommand({ Name: name, IfMatch: etag, Stage: 'DEVELOPMENT', EventObject });
      const { TestResult: result } = await ask('function', name, client.send(request, { abortSignal }));
      return {
        utilization: Number(result?.ComputeUtilization),
        output: result?.FunctionOutput ?? '',
        error: result?.FunctionErrorMessage ?? '',
      };
    },
    async publishFunction(name, IfMatch, abortSignal) {
      await ask('function', name, client.send(new PublishFunctionCommand({ Name: name, IfMatch }), { abortSignal }));
    },
    async invalidate(DistributionId, paths, CallerReference, abortSignal) {
      const InvalidationBatch = { CallerReference, Paths: { Quantity: paths.length, Items: [...paths] } };
      const request = new CreateInvalidationCommand({ DistributionId, InvalidationBatch });
      await ask('distribution', DistributionId, client.send(request, { abortSignal }));
    },
    calls,
    close: () => client.destroy(),
  };
}

function configOf({ comment, storeArn }: FunctionDraft): FunctionConfig {
  return {
    Comment: comment,
    Runtime: RUNTIME,
    KeyValueStoreAssociations: { Quantity: 1, Items: [{ KeyValueStoreARN: storeArn }] },
  };
}

async function orNull<T>(asked: Promise<T>, code: string): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ServiceFault && error.code === code) return null;
    throw error;
  }
}
