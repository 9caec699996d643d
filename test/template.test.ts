import { readFileSync } from 'node:fs';
import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec';
import { beforeAll, describe, expect, it } from 'vitest';
import { type FunctionEvent, loadBuiltFunction } from '../edge-shim/built-function.ts';
import { bundleFunction } from '../edge-shim/bundle.ts';
import { answersOnNjs } from '../edge-shim/function-on-njs.ts';
import { FALLBACKS, fleetBuild, openScene, publishAll, targetOver } from './cloudfront-emulator/publication.ts';
import { requires } from './debian-packages.ts';
import { problemsOf, readTemplate } from './template-check.ts';

const file = 'edge-shim/deploy/cloudfront.yaml';
const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const text = read(file);
const template = readTemplate(text);
let db: Awaited<ReturnType<typeof loadAwsServiceSpec>>;
beforeAll(async () => {
  db = await loadAwsServiceSpec();
});

/** Everything below a value, with the keys that lead there. */
function at<T>(value: unknown, ...path: (string | number)[]): T {
  return path.reduce((inner, key) => (inner as Record<string, unknown>)[key], value) as T;
}

describe('the template', () => {
  it('fits the schemas of its resources', () => {
    expect(problemsOf(template, db)).toEqual([]);
  });

  it.each([
    ['a property that there is none of', 'MinTTL: 0', 'MinimumTTL: 0', 'no property MinimumTTL'],
    ['a required property that is missing', '        Enabled: true\n', '', 'Enabled is missing'],
    ['a type that there is none of', 'AWS::CloudFront::KeyValueStore', 'AWS::CloudFront::Store', 'no resource type'],
    [
      'an attribute that there is none of',
      '!GetAtt Function.FunctionARN',
      '!GetAtt Function.Arn',
      'nothing is called Function.Arn',
    ],
    ['a reference to nothing', '!Ref ViewerPolicy', '!Ref GeoPolicy', 'nothing is called GeoPolicy'],
    ['a text for a number', 'Period: 300', 'Period: often', '"often" is no integer'],
  ])('with %s would not', (_, found, instead, problem) => {
    const changed = text.replace(found, instead);
    expect(changed).not.toBe(text);
    expect(problemsOf(readTemplate(changed), db).join('\n')).toContain(problem);
  });

  it('gives the function the headers that it reads', () => {
    const adapter = read('edge-shim/adapters/cloudfront.ts');
    const wanted = [...adapter.matchAll(/'(cloudfront-[a-z-]+)'/g)].map(([, name]) => name as string);
    const headers = at<string[]>(
      template.Resources,
      'ViewerPolicy',
      'Properties',
      'OriginRequestPolicyConfig',
      'HeadersConfig',
      'Headers',
    );
    expect(headers.map((name) => name.toLowerCase()).sort()).toEqual([...new Set(wanted)].sort());
  });

  it('serves the site where its pages are invalidated', () => {
    const behaviours = at<{ PathPattern: string }[]>(
      template.Resources,
      'Distribution',
      'Properties',
      'DistributionConfig',
      'CacheBehaviors',
    );
    expect(behaviours.map(({ PathPattern }) => PathPattern)).toEqual(['/site/*', '/maps/*']);
  });

  it('gives the publisher exactly the rights that a publication uses', async () => {
    const scene = await openScene();
    const code = await bundleFunction(FALLBACKS[0]);
    const isIn = (accessPoint: number) => accessPoint % 60 === 0;
    const first = fleetBuild(120, 1, code, null, isIn);
    const options = { distribution: scene.emulator.account.addDistribution() };
    await publishAll(targetOver(scene.emulator, scene.clock, options), first);
    // The stack has made store and function: what the second publication asks for is what the role needs.
    scene.emulator.calls.length = 0;
    const next = fleetBuild(140, 2, await bundleFunction(FALLBACKS[1]), first, isIn);
    await publishAll(targetOver(scene.emulator, scene.clock, options), next);
    await scene.emulator.close();
    const used = scene.emulator.calls.map(
      ({ plane, action }) => `cloudfront${plane === 'data' ? '-keyvaluestore' : ''}:${action}`,
    );
    const statements = at<{ Action: string | string[]; Resource: unknown }[]>(
      template.Resources,
      'PublisherRole',
      'Properties',
      'Policies',
      0,
      'PolicyDocument',
      'Statement',
    );
    expect(statements.flatMap(({ Action }) => Action).sort()).toEqual([...new Set(used)].sort());
    for (const { Resource } of statements) expect(JSON.stringify(Resource)).not.toContain('*');
  });

  it('lets one subject alone take the role', () => {
    const [statement] = at<{ Condition: unknown }[]>(
      template.Resources,
      'PublisherRole',
      'Properties',
      'AssumeRolePolicyDocument',
      'Statement',
    );
    expect(statement?.Condition).toEqual({
      StringEquals: {
        'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com',
        'token.actions.githubusercontent.com:sub': { Ref: 'GitHubSubject' },
      },
    });
    const pattern = new RegExp(`^${template.Parameters['GitHubSubject']?.AllowedPattern}$`);
    expect('repo:gentoo/redirector:environment:production').toMatch(pattern);
    expect('repo:gentoo/*').not.toMatch(pattern);
  });

  it('is applied by the command of the runbook, which gives every parameter that has no default', () => {
    const command = /aws cloudformation deploy[\s\S]*?\n```/.exec(read('docs/runbook.md'))?.[0] ?? '';
    expect(command).toContain(`--template-file ${file}`);
    expect(command).toContain('--region us-east-1');
    expect(command).toContain('--capabilities CAPABILITY_IAM');
    const given = [...command.matchAll(/\b([A-Z][A-Za-z]+)=(\S+)/g)].map(([, name, value]) => [name, value] as const);
    for (const [name, value] of given) {
      const pattern = template.Parameters[name as string]?.AllowedPattern ?? '.*';
      expect(value?.replace(/["']/g, ''), name).toMatch(new RegExp(`^${pattern}$`));
    }
    const needed = Object.keys(template.Parameters).filter((name) => template.Parameters[name]?.Default === undefined);
    for (const name of needed) expect(given.map(([own]) => own)).toContain(name);
  });
});

describe('the function before the first publication', () => {
  const code = at<{ 'Fn::Sub': string }>(template.Resources, 'Function', 'Properties', 'FunctionCode')[
    'Fn::Sub'
  ].replace(/\$\{Fallback\}/, 'https://fallback.example.org/');
  const event = (uri: string) => ({ request: { uri } }) as FunctionEvent;
  const cases = [
    ['/distfiles/a%2B1.tar.xz', 'https://fallback.example.org/distfiles/a%2B1.tar.xz'],
    ['/', 'https://fallback.example.org/'],
    ['/a\r\nSet-Cookie: x', 'https://fallback.example.org/'],
  ] as const;

  it.each(cases)('sends %j to the fallback', async (uri, location) => {
    const answer = await loadBuiltFunction(code, new Map(), file)(event(uri));
    expect(answer).toMatchObject({ statusCode: 302, headers: { location: { value: location } } });
  });

  requires('njs')('on njs', () => {
    it('answers as in Node', async () => {
      const asynchronous = code.replace('function handler', 'async function handler');
      const answers = await answersOnNjs(
        asynchronous,
        new Map(),
        cases.map(([uri]) => event(uri)),
      );
      expect(answers.map(({ headers }) => headers['location']?.value)).toEqual(cases.map(([, location]) => location));
    });
  });
});
