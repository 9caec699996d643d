import {
  CloudFrontClient,
  CreateFunctionCommand,
  CreateInvalidationCommand,
  CreateKeyValueStoreCommand,
  DescribeFunctionCommand,
  DescribeKeyValueStoreCommand,
  GetFunctionCommand,
  PublishFunctionCommand,
  TestFunctionCommand,
  UpdateFunctionCommand,
} from '@aws-sdk/client-cloudfront';
import {
  CloudFrontKeyValueStoreClient,
  DeleteKeyCommand,
  DescribeKeyValueStoreCommand as DescribeKeysCommand,
  GetKeyCommand,
  ListKeysCommand,
  PutKeyCommand,
  UpdateKeysCommand,
} from '@aws-sdk/client-cloudfront-keyvaluestore';
import '@aws-sdk/signature-v4a';
import type { LookupFunction } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from './clock.ts';
import { CloudFrontEmulator } from './emulator.ts';
import { DURATIONS } from './quotas.ts';
import { ServiceError } from './service-error.ts';

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
const loopback: LookupFunction = (_, options, done) =>
  options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
const CODE =
  "import cf from 'cloudfront';const kvs=cf.kvs();async function handler(event){let v='none';try{v=await kvs.get(event.request.uri)}catch(e){v=String(e)}return{statusCode:200,headers:{x:{value:v}}}}";
const EVENT = {
  version: '1.0',
  context: { eventType: 'viewer-request' },
  viewer: { ip: '192.0.2.1' },
  request: { method: 'GET', uri: 'a', querystring: {}, headers: {}, cookies: {} },
} as const;

let clock: FakeClock;
let emulator: CloudFrontEmulator;
let control: CloudFrontClient;
let data: CloudFrontKeyValueStoreClient;

beforeEach(async () => {
  clock = new FakeClock(Date.UTC(2026, 10, 22));
  emulator = await CloudFrontEmulator.start({ clock });
  const shared = { endpoint: emulator.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 };
  control = new CloudFrontClient(shared);
  data = new CloudFrontKeyValueStoreClient({ ...shared, requestHandler: { httpAgent: { lookup: loopback } } });
});
afterEach(async () => {
  control.destroy();
  data.destroy();
  await emulator.close();
});

/** A store that is ready. */
async function storeArn(name = 'keys'): Promise<string> {
  const { KeyValueStore } = await control.send(new CreateKeyValueStoreCommand({ Name: name }));
  clock.advance(DURATIONS.provisioningMs);
  return KeyValueStore?.ARN as string;
}

async function etagOf(arn: string): Promise<string> {
  return (await data.send(new DescribeKeysCommand({ KvsARN: arn }))).ETag as string;
}

function configOf(arn: string) {
  return {
    Comment: 'a test',
    Runtime: 'cloudfront-js-2.0' as const,
    KeyValueStoreAssociations: { Quantity: 1, Items: [{ KeyValueStoreARN: arn }] },
  };
}

describe('the emulated keys', () => {
  it('are put, listed in pages of at most fifty, read and deleted', async () => {
    const KvsARN = await storeArn();
    const Puts = Array.from({ length: 50 }, (_, i) => ({ Key: `k${i}`, Value: 'v' }));
    const first = await data.send(new UpdateKeysCommand({ KvsARN, IfMatch: await etagOf(KvsARN), Puts }));
    expect(first).toMatchObject({ ItemCount: 50, TotalSizeInBytes: 10 * 3 + 40 * 4 });
    const put = await data.send(new PutKeyCommand({ KvsARN, IfMatch: first.ETag, Key: 'a b/c', Value: 'é' }));
    expect(put).toMatchObject({ ItemCount: 51, TotalSizeInBytes: 190 + 7 });
    expect((await data.send(new GetKeyCommand({ KvsARN, Key: 'a b/c' }))).Value).toBe('é');
    expect((await data.send(new ListKeysCommand({ KvsARN }))).Items).toHaveLength(10);
    const page = await data.send(new ListKeysCommand({ KvsARN, MaxResults: 50 }));
    expect(page.Items).toHaveLength(50);
    const rest = await data.send(new ListKeysCommand({ KvsARN, MaxResults: 50, NextToken: page.NextToken }));
    expect([...(page.Items ?? []), ...(rest.Items ?? [])].map(({ Key }) => Key)).toHaveLength(51);
    expect(rest.NextToken).toBeUndefined();
    await expect(data.send(new ListKeysCommand({ KvsARN, MaxResults: 51 }))).rejects.toThrow('MaxResults');
    const gone = await data.send(new DeleteKeyCommand({ KvsARN, IfMatch: put.ETag, Key: 'k0' }));
    const again = await data.send(new DeleteKeyCommand({ KvsARN, IfMatch: gone.ETag, Key: 'k0' }));
    expect(again.ETag).toBe(gone.ETag);
    await expect(data.send(new GetKeyCommand({ KvsARN, Key: 'k0' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  it('refuse a stale ETag as the service really does, and change nothing', async () => {
    const KvsARN = await storeArn();
    const IfMatch = await etagOf(KvsARN);
    await data.send(new PutKeyCommand({ KvsARN, IfMatch, Key: 'a', Value: '1' }));
    await expect(data.send(new PutKeyCommand({ KvsARN, IfMatch, Key: 'b', Value: '2' }))).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Pre-Condition failed during update of Key-Value-Store',
      $metadata: { httpStatusCode: 400 },
    });
    expect((await data.send(new DescribeKeysCommand({ KvsARN }))).ItemCount).toBe(1);
  });

  it.each([
    ['51 keys', Array.from({ length: 51 }, (_, i) => ({ Key: `k${i}`, Value: '' })), 402],
    ['a value of 1,025 bytes', [{ Key: 'k', Value: `${'a'.repeat(1023)}é` }], 402],
    ['a key of 513 bytes', [{ Key: 'k'.repeat(513), Value: '' }], 402],
    [
      'a key twice',
      [
        { Key: 'k', Value: '1' },
        { Key: 'k', Value: '2' },
      ],
      400,
    ],
  ])('refuse %s, all or nothing', async (_, Puts, status) => {
    const KvsARN = await storeArn();
    const update = new UpdateKeysCommand({ KvsARN, IfMatch: await etagOf(KvsARN), Puts });
    await expect(data.send(update)).rejects.toMatchObject({ $metadata: { httpStatusCode: status } });
    expect((await data.send(new DescribeKeysCommand({ KvsARN }))).ItemCount).toBe(0);
  });

  it('refuse what is over five megabytes in all', async () => {
    const KvsARN = await storeArn();
    let IfMatch: string | undefined = await etagOf(KvsARN);
    const page = (n: number) =>
      Array.from({ length: 50 }, (_, i) => ({ Key: String(n * 50 + i).padStart(6, '0'), Value: 'v'.repeat(1024) }));
    // 50 keys of 6 + 1,024 bytes a call.
    for (let n = 0; n < 97; n++) {
      ({ ETag: IfMatch } = await data.send(new UpdateKeysCommand({ KvsARN, IfMatch, Puts: page(n) })));
    }
    await expect(data.send(new UpdateKeysCommand({ KvsARN, IfMatch, Puts: page(97) }))).rejects.toMatchObject({
      name: 'ServiceQuotaExceededException',
    });
  });

  it('wait for a store that is being made', async () => {
    const { KeyValueStore: made } = await control.send(new CreateKeyValueStoreCommand({ Name: 'keys' }));
    expect(made?.Status).toBe('PROVISIONING');
    const KvsARN = made?.ARN as string;
    const function_ = { Name: 'f', FunctionConfig: configOf(KvsARN), FunctionCode: Buffer.from(CODE) };
    await expect(control.send(new CreateFunctionCommand(function_))).rejects.toThrow(
      'before the resource is provisioned',
    );
    clock.advance(DURATIONS.provisioningMs);
    const found = await control.send(new DescribeKeyValueStoreCommand({ Name: 'keys' }));
    expect(found.KeyValueStore?.Status).toBe('READY');
    await control.send(new CreateFunctionCommand(function_));
  });
});

describe('the emulated function', () => {
  it('is created, tested over the keys, published, updated, each under its ETag', async () => {
    const KvsARN = await storeArn();
    await data.send(new PutKeyCommand({ KvsARN, IfMatch: await etagOf(KvsARN), Key: 'a', Value: 'found' }));
    const FunctionConfig = configOf(KvsARN);
    const made = await control.send(
      new CreateFunctionCommand({ Name: 'f', FunctionConfig, FunctionCode: Buffer.from(CODE) }),
    );
    await expect(control.send(new DescribeFunctionCommand({ Name: 'f', Stage: 'LIVE' }))).rejects.toMatchObject({
      name: 'NoSuchFunctionExists',
    });
    const EventObject = Buffer.from(JSON.stringify(EVENT));
    const test = { Name: 'f', IfMatch: made.ETag, EventObject, Stage: 'DEVELOPMENT' as const };
    const { TestResult } = await control.send(new TestFunctionCommand(test));
    expect(JSON.parse(TestResult?.FunctionOutput ?? '')).toEqual({
      response: { statusCode: 200, headers: { x: { value: 'found' } } },
    });
    expect(TestResult).toMatchObject({ ComputeUtilization: '8', FunctionErrorMessage: '' });
    await control.send(new PublishFunctionCommand({ Name: 'f', IfMatch: made.ETag }));
    const live = await control.send(new GetFunctionCommand({ Name: 'f', Stage: 'LIVE' }));
    expect(Buffer.from((await live.FunctionCode) as Uint8Array).toString()).toBe(CODE);
    const update = { Name: 'f', FunctionConfig, FunctionCode: Buffer.from(`${CODE};`) };
    const updated = await control.send(new UpdateFunctionCommand({ ...update, IfMatch: made.ETag }));
    expect(updated.ETag).not.toBe(made.ETag);
    await expect(control.send(new UpdateFunctionCommand({ ...update, IfMatch: made.ETag }))).rejects.toMatchObject({
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    });
    await expect(
      control.send(new UpdateFunctionCommand({ ...update, FunctionCode: Buffer.alloc(10_241), IfMatch: updated.ETag })),
    ).rejects.toMatchObject({ name: 'FunctionSizeLimitExceeded', $metadata: { httpStatusCode: 413 } });
  });

  it('tells what a function threw', async () => {
    const arn = await storeArn();
    const made = await control.send(
      new CreateFunctionCommand({
        Name: 'f',
        FunctionConfig: configOf(arn),
        FunctionCode: Buffer.from('function handler(event){for(const a of [1]){}}'),
      }),
    );
    const EventObject = Buffer.from(JSON.stringify(EVENT));
    const { TestResult } = await control.send(
      new TestFunctionCommand({ Name: 'f', IfMatch: made.ETag, EventObject, Stage: 'DEVELOPMENT' }),
    );
    expect(TestResult?.FunctionErrorMessage).not.toBe('');
    expect(TestResult?.FunctionOutput).toBeUndefined();
  });
});

describe('the emulated edges', () => {
  it('see new values each at its own time, and for a moment nothing', async () => {
    const KvsARN = await storeArn();
    const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
    const put = async (Value: string) => {
      const Puts = keys.map((Key) => ({ Key, Value }));
      await data.send(new UpdateKeysCommand({ KvsARN, IfMatch: await etagOf(KvsARN), Puts }));
    };
    await put('old');
    const made = await control.send(
      new CreateFunctionCommand({ Name: 'f', FunctionConfig: configOf(KvsARN), FunctionCode: Buffer.from(CODE) }),
    );
    await control.send(new PublishFunctionCommand({ Name: 'f', IfMatch: made.ETag }));
    const edge = emulator.edge('FRA');
    clock.advance(DURATIONS.propagationMs);
    const ask = async (uri: string) =>
      (await edge.answer('f', { ...EVENT, request: { ...EVENT.request, uri } }))?.headers['x']?.value;
    expect(new Set(await Promise.all(keys.map(ask)))).toEqual(new Set(['old']));
    await put('new');
    const seen = new Set<string | undefined>();
    for (let s = 0; s < 60; s++) {
      clock.advance(1_000);
      for (const key of keys) seen.add(await ask(key));
    }
    expect(seen).toEqual(new Set(['old', 'new', 'Error: KeyNotFound']));
    expect(new Set(await Promise.all(keys.map(ask)))).toEqual(new Set(['new']));
  });
});

describe('an emulated invalidation', () => {
  it('is taken once for a caller reference, and not beyond three thousand paths in progress', async () => {
    const DistributionId = emulator.account.addDistribution();
    const batch = (reference: string, paths: string[]) =>
      new CreateInvalidationCommand({
        DistributionId,
        InvalidationBatch: { CallerReference: reference, Paths: { Quantity: paths.length, Items: paths } },
      });
    const many = (count: number) => Array.from({ length: count }, (_, i) => `/site/${i}.html`);
    const first = await control.send(batch('a', many(2_000)));
    expect((await control.send(batch('a', many(2_000)))).Invalidation?.Id).toBe(first.Invalidation?.Id);
    await expect(control.send(batch('b', many(1_001)))).rejects.toMatchObject({
      name: 'TooManyInvalidationsInProgress',
    });
    await expect(control.send(batch('c', many(3_001)))).rejects.toMatchObject({ name: 'BatchTooLarge' });
    await expect(control.send(batch('d', ['no-slash']))).rejects.toMatchObject({ name: 'InvalidArgument' });
    clock.advance(DURATIONS.invalidationMs);
    await control.send(batch('e', many(3_000)));
  });
});

describe('a fault', () => {
  it('is told in the form of its plane, or cuts before or after the work', async () => {
    const KvsARN = await storeArn();
    const IfMatch = await etagOf(KvsARN);
    const put = () => data.send(new PutKeyCommand({ KvsARN, IfMatch, Key: 'a', Value: '1' }));
    emulator.fault = () => new ServiceError(429, 'ThrottlingException', 'Rate exceeded');
    await expect(put()).rejects.toMatchObject({ name: 'ThrottlingException' });
    await expect(control.send(new DescribeKeyValueStoreCommand({ Name: 'keys' }))).rejects.toMatchObject({
      name: 'ThrottlingException',
    });
    emulator.fault = () => 'cutBefore';
    await expect(put()).rejects.toThrow();
    expect(emulator.account.storeByArn(KvsARN).items.size).toBe(0);
    emulator.fault = () => 'cutAfter';
    await expect(put()).rejects.toThrow();
    expect(emulator.account.storeByArn(KvsARN).items.size).toBe(1);
  });
});
