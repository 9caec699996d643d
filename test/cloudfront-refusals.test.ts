import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunError, UsageError } from '../core/errors.ts';
import { translated } from '../generator/publish/cloudfront/service-errors.ts';
import type { EdgeTarget } from '../generator/publish/contract.ts';
import { FakeClock } from './cloudfront-emulator/clock.ts';
import type { Credentials } from './cloudfront-emulator/credentials.ts';
import { CloudFrontEmulator } from './cloudfront-emulator/emulator.ts';
import { CLIENT, context, goldenOf, STORE, targetOver } from './cloudfront-emulator/publication.ts';
import { DURATIONS } from './cloudfront-emulator/quotas.ts';
import { ServiceError } from './cloudfront-emulator/service-error.ts';

const content = {
  releaseId: 'r1',
  keys: new Map([
    ['00', '!'],
    ['meta', '3 0 1 1 2 f  h'],
  ]),
  functionCode:
    'async function handler(event){return {statusCode:302,headers:{location:{value:"https://a.example/"}}}}',
};
const KEY = CLIENT.credentials.accessKeyId;

let clock: FakeClock;
let emulator: CloudFrontEmulator;
let target: EdgeTarget;

async function start(credentials: Record<string, Credentials> = {}): Promise<void> {
  clock = new FakeClock(Date.UTC(2026, 10, 22));
  emulator = await CloudFrontEmulator.start({ clock, credentials: new Map(Object.entries(credentials)) });
  target = targetOver(emulator, clock);
}

beforeEach(() => start());
afterEach(async () => {
  await target.close();
  await emulator.close();
});

/** The store as somebody left it. */
function storeHolding(keys: Readonly<Record<string, string>>): void {
  const store = emulator.account.createStore(STORE, '', clock.nowMs());
  clock.advance(DURATIONS.provisioningMs);
  const puts = Object.entries(keys).map(([Key, Value]) => ({ Key, Value }));
  for (let i = 0; i < puts.length; i += 50) {
    store.update({ puts: puts.slice(i, i + 50), deletes: [] }, store.etag, clock.nowMs());
  }
}

/** Whether nothing was changed. */
const untouched = () =>
  emulator.calls.every(({ action }) => /^(Describe|Get|List)/.test(action)) && emulator.account.functions.size === 0;

async function refusal(): Promise<Error> {
  return target.plan(content, context).then(
    () => expect.fail('it was planned'),
    (error) => error as Error,
  );
}

describe('before anything is changed, a sentence says', () => {
  it.each<[string, Record<string, Credentials>, RegExp]>([
    ['a wrong access key', { AKIDOTHER: { state: 'valid' } }, /does not know the access key/],
    ['a wrong secret', { [KEY]: { state: 'wrongSecret' } }, /secret key does not belong/],
    ['an expired role', { [KEY]: { state: 'expired' } }, /session has expired: take the role again/],
    [
      'a right that is missing',
      { [KEY]: { state: 'valid', denied: new Set(['DescribeKeyValueStore']) } },
      /lacks the right to cloudfront:DescribeKeyValueStore/,
    ],
  ])('%s', async (_, credentials, sentence) => {
    await emulator.close();
    await start(credentials);
    const error = await refusal();
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toMatch(sentence);
    expect(error.message).not.toContain(KEY);
    expect(untouched()).toBe(true);
  });

  it('a right on the keys that is missing', async () => {
    await emulator.close();
    await start({ [KEY]: { state: 'valid', denied: new Set(['ListKeys']) } });
    storeHolding({});
    expect((await refusal()).message).toMatch(/lacks the right to cloudfront-keyvaluestore:ListKeys/);
  });

  it('a store that is somebody else’s', async () => {
    storeHolding({ '/about/': 'a blog' });
    const error = await refusal();
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(
      /"redirector" holds keys that are not redirector's \("\/about\/"\); nothing was changed/,
    );
    expect(untouched()).toBe(true);
  });

  it('a store of another line of builds', async () => {
    storeHolding({ '00': '!', meta: '3 0 7 1 2 f  h' });
    const error = await refusal();
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(/does not continue \(it has 7 buckets, the build 1\)/);
    expect(untouched()).toBe(true);
  });

  it('a full store', async () => {
    const filling = Object.fromEntries(
      Array.from({ length: 4870 }, (_, i) => [`1${i.toString(36)}`, 'v'.repeat(1010)]),
    );
    storeHolding({ ...filling, meta: '3 1 4870 1 2 f  h' });
    const error = await refusal();
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toMatch(/too full: 4,9\d\d,\d{3} bytes of 4,900,000 are taken/);
    expect(untouched()).toBe(true);
  });

  it('a service that cannot be reached', async () => {
    const client = { ...CLIENT, endpoint: 'http://127.0.0.1:1' };
    const nowhere = targetOver(emulator, clock, { client });
    await expect(nowhere.plan(content, context)).rejects.toThrow(/cannot be reached from here \(ECONNREFUSED\)/);
    await nowhere.close();
  });
});

describe('a clock that is wrong', () => {
  it('by ten minutes is made up for', async () => {
    emulator.skewMs = 600_000;
    const patient = targetOver(emulator, clock, { client: { ...CLIENT, endpoint: emulator.endpoint, maxAttempts: 3 } });
    await patient.publishKeys(content, context);
    expect(emulator.account.store(STORE).items.size).toBe(2);
    await patient.close();
  });

  it('where that does not help, is named', async () => {
    emulator.skewMs = 600_000;
    expect((await refusal()).message).toMatch(/clock is wrong by more than five minutes: set it/);
  });
});

describe('in the midst of it', () => {
  const publishFunction = async () => target.publishFunction(content, await goldenOf(content, ['a', 'b']), context);

  it('a right that is missing stops before the function is live, and once it is given the next try completes', async () => {
    await target.publishKeys(content, context);
    const denied = 'User: x is not authorized to perform: cloudfront:PublishFunction on resource: y';
    emulator.fault = ({ action }) =>
      action === 'PublishFunction' ? new ServiceError(403, 'AccessDenied', denied) : null;
    await expect(publishFunction()).rejects.toThrow(/lacks the right to cloudfront:PublishFunction; edge-shim\/deploy/);
    expect(emulator.account.function('redirector').live).toBeNull();
    emulator.fault = () => null;
    await publishFunction();
    expect(emulator.account.function('redirector').live?.code.toString()).toBe(content.functionCode);
  });

  it('a session that expires between two calls leaves what is right, and the next try completes', async () => {
    emulator.fault = ({ action }) =>
      action === 'UpdateKeys' ? new ServiceError(403, 'ExpiredTokenException', 'The security token is expired') : null;
    await expect(target.publishKeys(content, context)).rejects.toThrow(/session has expired/);
    emulator.fault = () => null;
    await target.publishKeys(content, context);
    expect(new Map(emulator.account.store(STORE).items)).toEqual(content.keys);
  });

  it('a function that is too large is refused', async () => {
    const large = { ...content, functionCode: `${content.functionCode}//${'x'.repeat(10_000)}` };
    await target.publishKeys(content, context);
    await expect(target.publishFunction(large, [], context)).rejects.toThrow(/more than CloudFront takes/);
  });

  it('a distribution that does not exist is named', async () => {
    const wrong = targetOver(emulator, clock, { distribution: 'E2NOSUCH' });
    await expect(wrong.invalidate(['site/index.html'], 'r1', context)).rejects.toThrow(
      /the distribution "E2NOSUCH": there is no such distribution in this account; correct "distribution"/,
    );
    await wrong.close();
  });

  it('an interruption ends it with a sentence', async () => {
    const abort = new AbortController();
    emulator.fault = ({ action }) => {
      if (action === 'UpdateKeys') abort.abort();
      return null;
    };
    const interrupted = target.publishKeys(content, { ...context, signal: abort.signal });
    await expect(interrupted).rejects.toThrow(/interrupted; what was done is kept/);
    emulator.fault = () => null;
    await target.publishKeys(content, context);
  });
});

describe('an invalidation', () => {
  it('is of exactly the changed pages, in batches, waiting while too many are under way', async () => {
    const distribution = emulator.account.addDistribution();
    const cdn = targetOver(emulator, clock, { distribution });
    const pages = Array.from({ length: 4_000 }, (_, i) => `site/mirror-${i}.html`);
    const work = await cdn.invalidate(['maps/DE.msgpack', 'site/index.html', ...pages], 'r1', context);
    const batches = emulator.account.invalidations.get(distribution) ?? [];
    expect(batches.map(({ paths }) => paths.length)).toEqual([3_000, 1_002]);
    expect(batches.flatMap(({ paths }) => paths).slice(0, 3)).toEqual([
      '/site/',
      '/site/index.html',
      '/site/mirror-0.html',
    ]);
    expect(work.summary).toContain('4,002 paths invalidated');
    // A rollback to the same release asks anew.
    clock.advance(DURATIONS.invalidationMs);
    await cdn.invalidate(['site/index.html'], 'r1', context);
    expect(emulator.account.invalidations.get(distribution)).toHaveLength(3);
    await cdn.close();
  });

  it('can be of the whole site, or none', async () => {
    const distribution = emulator.account.addDistribution();
    for (const invalidation of ['site', 'none'] as const) {
      const cdn = targetOver(emulator, clock, { distribution, invalidation });
      await cdn.invalidate(['site/index.html', 'site/a b.html'], 'r1', context);
      await cdn.close();
    }
    expect(emulator.account.invalidations.get(distribution)?.map(({ paths }) => paths)).toEqual([['/site/*']]);
  });
});

describe('what is told of an error', () => {
  it('has nothing secret in it', () => {
    const error = Object.assign(new Error(`bad AKIAIOSFODNN7EXAMPLE ${'wJalrXUtnFEMI/K7MDENG'.repeat(3)} \u001b[31m`), {
      name: 'Oddity',
      $metadata: { httpStatusCode: 418 },
    });
    const { message } = translated(error, 'the store "x"');
    expect(message).toBe('the store "x": CloudFront refused with status 418: "Oddity bad … … \\u001b[31m"');
  });

  it('names the way out where there are no credentials', () => {
    const error = translated({ name: 'CredentialsProviderError', message: 'Could not load' }, 'the store "x"');
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(/set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE/);
  });
});
