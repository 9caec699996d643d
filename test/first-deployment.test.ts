import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../cli/config.ts';
import { bundleFunction } from '../edge-shim/bundle.ts';
import { statementsOf } from './cloudformation/policies.ts';
import { callOf, type Json, parseTemplate } from './cloudformation/template.ts';
import { FakeClock } from './cloudfront-emulator/clock.ts';
import { CloudFrontEmulator } from './cloudfront-emulator/emulator.ts';
import {
  CLIENT,
  eventFor,
  FUNCTION,
  fleetBuild,
  isPublished,
  publishAll,
  STORE,
  type TestBuild,
  targetOver,
} from './cloudfront-emulator/publication.ts';

const FALLBACK = 'https://fallback.example.org/';
const template = parseTemplate(readFileSync(new URL('../edge-shim/deploy/template.yaml', import.meta.url), 'utf8'));

/** The function's first code, as CloudFormation writes it. */
const firstCode = String(
  callOf(template.Resources['Function']?.Properties?.['FunctionCode'] as Json)?.argument,
).replaceAll('${FallbackUrl}', FALLBACK);

const ALL_ACTIONS = [
  ...['CreateFunction', 'UpdateFunction', 'DescribeFunction', 'GetFunction', 'PublishFunction', 'TestFunction'],
  ...['DeleteFunction', 'CreateKeyValueStore', 'DescribeKeyValueStore', 'UpdateKeyValueStore', 'DeleteKeyValueStore'],
  ...['CreateInvalidation', 'GetDistributionConfig', 'UpdateDistribution'],
  ...['ListKeys', 'GetKey', 'PutKey', 'DeleteKey', 'UpdateKeys'],
];
const allowed = new Set(
  statementsOf(template)
    .filter(({ place, statement }) => place === 'Publisher' && statement.Principal === undefined)
    .flatMap(({ statement }) => [statement.Action].flat().map((action) => action.replace(/^.*:/, ''))),
);

describe('after the first deployment', () => {
  const clock = new FakeClock(Date.now());
  let emulator: CloudFrontEmulator;
  let distribution: string;
  let build: TestBuild;

  /** What CloudFormation does with the function, for the first time or again. */
  function writeFirstCode(): void {
    const { account } = emulator;
    const store = account.store(STORE);
    const draft = {
      code: Buffer.from(firstCode),
      comment: 'Redirects viewers to mirrors',
      runtime: 'cloudfront-js-2.0',
      storeArns: [store.arn],
    };
    const found = account.functions.get(FUNCTION);
    if (found === undefined) account.createFunction(FUNCTION, draft, clock.nowMs());
    else account.updateFunction(FUNCTION, found.development.etag, draft, clock.nowMs());
    account.publishFunction(FUNCTION, account.function(FUNCTION).development.etag, clock.nowMs());
    clock.advance(120_000);
  }

  const published = () => publishAll(targetOver(emulator, clock, { distribution, invalidation: 'site' }), build);
  const answer = () =>
    emulator.edge('FRA').answer(
      FUNCTION,
      eventFor(build.names[0] as string, () => 0),
    );

  beforeEach(async () => {
    const denied = new Set(ALL_ACTIONS.filter((action) => !allowed.has(action)));
    emulator = await CloudFrontEmulator.start({
      clock,
      credentials: new Map([[CLIENT.credentials.accessKeyId, { state: 'valid', denied }]]),
    });
    emulator.account.createStore(STORE, '', clock.nowMs());
    distribution = emulator.account.addDistribution();
    clock.advance(120_000);
    writeFirstCode();
    build = fleetBuild(300, 0, await bundleFunction(FALLBACK));
  });
  afterEach(() => emulator.close());

  it('everybody is sent to the fallback', async () => {
    expect(await answer()).toMatchObject({
      statusCode: 302,
      headers: {
        location: { value: `${FALLBACK}${build.names[0]}` },
        'x-redirector': { value: 'fallback: no map' },
      },
    });
  });

  it('publishing fills what the template made, with the rights of its role alone', async () => {
    await published();
    expect(await isPublished({ clock, emulator }, build)).toBe(true);
    expect((await answer())?.headers['x-redirector']?.value).toMatch(/^region=/);
    expect(emulator.account.functions.size).toBe(1);
    expect(emulator.account.stores.size).toBe(1);
  });

  it('the next publication puts the right code back where the template’s was written again', async () => {
    await published();
    writeFirstCode();
    expect((await answer())?.headers['x-redirector']?.value).toBe('fallback: no map');
    await published();
    expect(await isPublished({ clock, emulator }, build)).toBe(true);
  });
});

describe('the configuration of the workflows', () => {
  it('takes the target that the template makes, when its lines are no comment any more', () => {
    const text = readFileSync(new URL('../.github/redirector.toml', import.meta.url), 'utf8');
    const table = text.slice(text.indexOf('# [[publish.target]]'));
    const config = parseConfig(text.replace(table, table.replace(/^# /gm, '')), 'redirector.toml');
    expect(config.publish.targets.map(({ type }) => type)).toEqual(['sftp', 'cloudfront']);
  });
});
