import { XMLBuilder, XMLParser } from 'fast-xml-parser';
import type { Account, EmulatedFunction, EmulatedInvalidation, FunctionDraft, FunctionStage } from './account.ts';
import { DURATIONS } from './quotas.ts';
import { type Answer, type Call, ServiceError } from './service-error.ts';
import type { EmulatedStore } from './store.ts';

const NAMESPACE = 'http://cloudfront.amazonaws.com/doc/2020-05-31/';
const parser = new XMLParser({ parseTagValue: false, ignoreAttributes: true, ignoreDeclaration: true });
const builder = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@', suppressEmptyNode: false });

/** What a function's test run came to; `output` is null where it threw. */
export interface TestRun {
  readonly utilization: number;
  readonly output: string | null;
  readonly error: string;
}

/** Runs a function's stage on an event (JSON) over the keys that the account's store holds now. */
export type RunTest = (stage: FunctionStage, event: string) => Promise<TestRun>;

const ROUTES: readonly (readonly [method: string, path: string, action: string])[] = [
  ['POST', 'function', 'CreateFunction'],
  ['PUT', 'function/*', 'UpdateFunction'],
  ['GET', 'function/*/describe', 'DescribeFunction'],
  ['GET', 'function/*', 'GetFunction'],
  ['POST', 'function/*/publish', 'PublishFunction'],
  ['POST', 'function/*/test', 'TestFunction'],
  ['POST', 'key-value-store', 'CreateKeyValueStore'],
  ['GET', 'key-value-store/*', 'DescribeKeyValueStore'],
  ['DELETE', 'key-value-store/*', 'DeleteKeyValueStore'],
  ['POST', 'distribution/*/invalidation', 'CreateInvalidation'],
  ['GET', 'distribution/*/invalidation/*', 'GetInvalidation'],
];

/** The action's name, as policies and logs call it; null where there is none. */
export function controlPlaneAction({ method, segments }: Call): string | null {
  const path = segments.slice(1);
  const fits = (pattern: string[]) =>
    pattern.length === path.length && pattern.every((part, i) => part === '*' || part === path[i]);
  return ROUTES.find(([verb, pattern]) => verb === method && fits(pattern.split('/')))?.[2] ?? null;
}

/** The API of functions, stores and distributions: `com.amazonaws.cloudfront`, REST and XML. */
export async function controlPlane(account: Account, call: Call, nowMs: number, runTest: RunTest): Promise<Answer> {
  const [, , name = '', , id = ''] = call.segments;
  switch (controlPlaneAction(call)) {
    case 'CreateFunction': {
      const { Name, ...rest } = bodyOf(call, 'CreateFunctionRequest') as FunctionXml & { Name: string };
      const created = account.createFunction(Name, draftOf(rest), nowMs);
      return summary(created, 'DEVELOPMENT', 201);
    }
    case 'UpdateFunction': {
      const draft = draftOf(bodyOf(call, 'UpdateFunctionRequest') as FunctionXml);
      return summary(account.updateFunction(name, call.ifMatch, draft, nowMs), 'DEVELOPMENT', 200);
    }
    case 'DescribeFunction':
      return summary(account.function(name), stageName(call), 200);
    case 'GetFunction': {
      const { code, etag } = stageOf(account.function(name), stageName(call));
      return { status: 200, contentType: 'application/octet-stream', headers: { ETag: etag }, body: code };
    }
    case 'PublishFunction':
      return summary(account.publishFunction(name, call.ifMatch, nowMs), 'LIVE', 200);
    case 'TestFunction':
      return testFunction(account, name, call, runTest);
    case 'CreateKeyValueStore': {
      const { Name, Comment = '' } = bodyOf(call, 'CreateKeyValueStoreRequest') as { Name: string; Comment?: string };
      return storeAnswer(account.createStore(Name, Comment, nowMs), nowMs, 201);
    }
    case 'DescribeKeyValueStore':
      return storeAnswer(account.store(name), nowMs, 200);
    case 'DeleteKeyValueStore':
      account.deleteStore(name);
      return { status: 204 };
    case 'CreateInvalidation': {
      const batch = bodyOf(call, 'InvalidationBatch') as {
        Paths: { Items: { Path: string | string[] } };
        CallerReference: string;
      };
      const paths = [batch.Paths.Items.Path].flat();
      const created = account.invalidate(name, paths, batch.CallerReference, nowMs, DURATIONS.invalidationMs);
      return invalidationAnswer(created, nowMs, 201);
    }
    case 'GetInvalidation': {
      const found = account.invalidations.get(name)?.find((one) => one.id === id);
      if (found === undefined) throw new ServiceError(404, 'NoSuchInvalidation', 'The invalidation does not exist.');
      return invalidationAnswer(found, nowMs, 200);
    }
    default:
      throw new ServiceError(404, 'UnknownOperation', 'no such operation');
  }
}

interface FunctionXml {
  readonly FunctionConfig: {
    readonly Comment: string;
    readonly Runtime: string;
    readonly KeyValueStoreAssociations?: {
      readonly Items?: {
        readonly KeyValueStoreAssociation: { KeyValueStoreARN: string } | { KeyValueStoreARN: string }[];
      };
    };
  };
  readonly FunctionCode: string;
}

function draftOf({ FunctionConfig, FunctionCode }: FunctionXml): FunctionDraft {
  const associations = FunctionConfig.KeyValueStoreAssociations?.Items?.KeyValueStoreAssociation ?? [];
  return {
    code: Buffer.from(FunctionCode, 'base64'),
    comment: FunctionConfig.Comment,
    runtime: FunctionConfig.Runtime,
    storeArns: [associations].flat().map((one) => one.KeyValueStoreARN),
  };
}

async function testFunction(account: Account, name: string, call: Call, runTest: RunTest): Promise<Answer> {
  const found = account.functionAt(name, call.ifMatch);
  const { EventObject, Stage = 'DEVELOPMENT' } = bodyOf(call, 'TestFunctionRequest') as {
    EventObject: string;
    Stage?: string;
  };
  const stage = stageOf(found, Stage);
  const run = await runTest(stage, Buffer.from(EventObject, 'base64').toString());
  return xml(200, 'TestResult', {
    FunctionSummary: summaryOf(found, stage, Stage),
    ComputeUtilization: String(run.utilization),
    FunctionExecutionLogs: '',
    FunctionErrorMessage: run.error,
    ...(run.output === null ? {} : { FunctionOutput: run.output }),
  });
}

function stageName(call: Call): string {
  return call.query.get('Stage') ?? 'DEVELOPMENT';
}

function stageOf(found: EmulatedFunction, name: string): FunctionStage {
  const stage = name === 'LIVE' ? found.live : found.development;
  if (stage === null) throw new ServiceError(404, 'NoSuchFunctionExists', 'The function does not exist in this stage.');
  return stage;
}

function summary(found: EmulatedFunction, name: string, status: number): Answer {
  const stage = stageOf(found, name);
  // The SDK reads "ETtag" after an update, as the service's model has it.
  return xml(status, 'FunctionSummary', summaryOf(found, stage, name), { ETag: stage.etag, ETtag: stage.etag });
}

function summaryOf(found: EmulatedFunction, stage: FunctionStage, name: string) {
  return {
    Name: found.name,
    Status: found.live === null ? 'UNPUBLISHED' : 'DEPLOYED',
    FunctionConfig: {
      Comment: stage.comment,
      Runtime: stage.runtime,
      KeyValueStoreAssociations:
        stage.storeArn === null
          ? { Quantity: 0 }
          : { Quantity: 1, Items: { KeyValueStoreAssociation: { KeyValueStoreARN: stage.storeArn } } },
    },
    FunctionMetadata: {
      FunctionARN: found.arn,
      Stage: name,
      CreatedTime: new Date(found.createdAtMs).toISOString(),
      LastModifiedTime: new Date(stage.modifiedAtMs).toISOString(),
    },
  };
}

function storeAnswer(store: EmulatedStore, nowMs: number, status: number): Answer {
  const body = {
    Name: store.name,
    Id: store.id,
    Comment: store.comment,
    ARN: store.arn,
    Status: store.status(nowMs),
    LastModifiedTime: new Date(store.lastModifiedMs).toISOString(),
  };
  return xml(status, 'KeyValueStore', body, { ETag: store.controlETag });
}

function invalidationAnswer(
  { id, paths, callerReference, createdAtMs }: EmulatedInvalidation,
  nowMs: number,
  status: number,
) {
  return xml(status, 'Invalidation', {
    Id: id,
    Status: nowMs < createdAtMs + DURATIONS.invalidationMs ? 'InProgress' : 'Completed',
    CreateTime: new Date(createdAtMs).toISOString(),
    InvalidationBatch: { Paths: { Quantity: paths.length, Items: { Path: paths } }, CallerReference: callerReference },
  });
}

function bodyOf(call: Call, root: string): unknown {
  const parsed = parser.parse(call.body.toString()) as Record<string, unknown>;
  if (!(root in parsed)) throw new ServiceError(400, 'MalformedXML', 'The XML you provided was not well-formed.');
  return parsed[root];
}

function xml(status: number, root: string, body: unknown, headers: Record<string, string> = {}): Answer {
  const text = builder.build({ [root]: { '@xmlns': NAMESPACE, ...(body as object) } });
  return { status, contentType: 'text/xml', headers, body: `<?xml version="1.0"?>\n${text}` };
}

export function controlPlaneError({ status, code, message }: ServiceError): Answer {
  return xml(status, 'ErrorResponse', {
    Error: { Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message },
    RequestId: '00000000-0000-4000-8000-000000000000',
  });
}
