import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec';
import { describe, expect, it } from 'vitest';
import type { FunctionEvent } from '../core/function-event.ts';
import { loadBuiltFunction } from '../edge-shim/built-function.ts';
import { bundleFunction } from '../edge-shim/bundle.ts';
import { problemsOf, takes } from './cloudformation/check.ts';
import { statementsOf, tooMuchOf } from './cloudformation/policies.ts';
import { type Json, type JsonObject, parseTemplate } from './cloudformation/template.ts';
import { type Variant, variantsOf } from './cloudformation/variants.ts';
import { commandsOf, isAws, pages } from './doc-commands.ts';

const root = new URL('../', import.meta.url);
const text = readFileSync(new URL('edge-shim/deploy/template.yaml', root), 'utf8');
const template = parseTemplate(text);
const db = await loadAwsServiceSpec();

describe('the template', () => {
  it('is what CloudFormation takes, for all outcomes of its conditions', () => {
    expect(problemsOf(text, db)).toEqual([]);
    expect(variantsOf(template).length).toBeGreaterThan(30);
  });

  it('allows nothing beyond need', () => {
    expect(tooMuchOf(template)).toEqual([]);
  });

  it('groups every parameter for the console', () => {
    const groups = (
      template as unknown as { Metadata: Record<string, { ParameterGroups: { Parameters: string[] }[] }> }
    ).Metadata['AWS::CloudFormation::Interface']?.ParameterGroups;
    expect(groups?.flatMap(({ Parameters }) => Parameters).sort()).toEqual(Object.keys(template.Parameters).sort());
  });
});

/** The properties of a resource in the variant where all conditions hold, or none. */
function propertiesOf(name: string, isAll = true): JsonObject {
  const bySize = variantsOf(template).sort((a, b) => a.holding.size - b.holding.size);
  const variant = bySize.at(isAll ? -1 : 0) as Variant;
  return variant.resources[name]?.Properties as JsonObject;
}
const at = (value: Json, ...path: (string | number)[]): Json =>
  path.reduce<Json>((found, key) => (found as Record<string | number, Json>)[key] as Json, value);

describe('the distribution', () => {
  const config = at(propertiesOf('Distribution'), 'DistributionConfig');
  const trees = at(config, 'DefaultCacheBehavior');

  it('asks the function alone about the trees, over http and https, and keeps no answer', () => {
    expect(trees).toMatchObject({
      ViewerProtocolPolicy: 'allow-all',
      CachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad',
      OriginRequestPolicyId: { Ref: 'ViewerPlace' },
      FunctionAssociations: [
        { EventType: 'viewer-request', FunctionARN: { 'Fn::GetAtt': ['Function', 'FunctionARN'] } },
      ],
    });
  });

  it('has CloudFront add the very headers that the function reads', async () => {
    const read = new Set<string>();
    const headers = new Proxy({}, { get: (_, name) => void read.add(String(name)) });
    const event: FunctionEvent = {
      version: '1.0',
      context: { eventType: 'viewer-request' },
      viewer: { ip: '192.0.2.1' },
      request: { method: 'GET', uri: '/distfiles/layout.conf', querystring: {}, cookies: {}, headers },
    };
    const code = await bundleFunction('https://fallback.example.org/');
    await loadBuiltFunction(code, new Map(), 'function.js')(event);
    const added = at(propertiesOf('ViewerPlace'), 'OriginRequestPolicyConfig', 'HeadersConfig', 'Headers') as string[];
    expect(added.map((name) => name.toLowerCase()).sort()).toEqual([...read].sort());
    expect(read.size).toBe(3);
  });

  it('serves the site without the function, under the paths that publishing has it forget', () => {
    const behaviors = at(config, 'CacheBehaviors') as JsonObject[];
    expect(behaviors.map(({ PathPattern }) => PathPattern)).toEqual(['/site/*', '/maps/*']);
    for (const behavior of behaviors) expect(behavior).not.toHaveProperty('FunctionAssociations');
  });

  it('gets no viewers before somebody says so', () => {
    expect(template.Parameters['LeadViewers']?.Default).toBe('no');
    const leading = variantsOf(template).filter(({ resources }) => 'DnsRecords' in resources);
    expect(leading.length).toBeGreaterThan(0);
    for (const { holding } of leading) expect(holding).toContain('MakesRecords');
    expect(template.Conditions['MakesRecords']).toEqual({
      'Fn::And': [{ Condition: 'HasZone' }, { 'Fn::Equals': [{ Ref: 'LeadViewers' }, 'yes'] }],
    });
  });

  it('has its own name and certificate, or none of both', () => {
    expect(config).toMatchObject({ Aliases: [{ Ref: 'Hostname' }], IPV6Enabled: true, HttpVersion: 'http2and3' });
    const trial = at(propertiesOf('Distribution', false), 'DistributionConfig');
    expect(trial).not.toHaveProperty('Aliases');
    expect(at(trial, 'ViewerCertificate')).toEqual({ CloudFrontDefaultCertificate: true });
  });
});

describe('the alarms', () => {
  it('watch every way in which a function fails, and tell', () => {
    const alarms = Object.entries(template.Resources).filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm');
    const metrics = alarms.map(([, { Properties }]) => (Properties as JsonObject)['MetricName']);
    const failures = ['FunctionComputeUtilization', 'FunctionExecutionErrors', 'FunctionThrottles'];
    expect(metrics.sort()).toEqual([...failures, 'FunctionValidationErrors']);
    for (const [, { Properties }] of alarms) {
      expect(Properties).toMatchObject({
        Namespace: 'AWS/CloudFront',
        Dimensions: [
          { Name: 'FunctionName', Value: propertiesOf('Function')['Name'] },
          { Name: 'Region', Value: 'Global' },
        ],
        AlarmActions: [{ Ref: 'Alarms' }],
      });
    }
  });
});

describe('the logs', () => {
  const fields = propertiesOf('LogDelivery')['RecordFields'] as string[];

  it('have fields that CloudFront writes', () => {
    const logs = db
      .lookup('resource', 'cloudFormationType', 'equals', 'AWS::CloudFront::Distribution')
      .only().vendedLogs;
    const access = logs?.find(({ logType }) => logType === propertiesOf('LogSource')['LogType']);
    expect([...(access?.mandatoryFields ?? []), ...(access?.optionalFields ?? [])]).toEqual(
      expect.arrayContaining(fields),
    );
  });

  it('have no address of a viewer', () => {
    for (const field of ['c-ip', 'x-forwarded-for', 'cs(Cookie)', 'cs(Referer)']) expect(fields).not.toContain(field);
  });
});

const publishing = new URL('generator/publish/cloudfront/', root);

describe('the role of the publisher', () => {
  it.skipIf(!existsSync(publishing))('may do what publishing does, but make another function or store', () => {
    const files = readdirSync(publishing).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
    const sources = files.map((name) => readFileSync(new URL(name, publishing), 'utf8')).join('\n');
    const used = new Set([...sources.matchAll(/\bnew (\w+)Command\(/g)].map(([, name]) => name as string));
    for (const made of ['CreateFunction', 'CreateKeyValueStore']) used.delete(made);
    const allowed = statementsOf(template)
      .filter(({ place, statement }) => place === 'Publisher' && statement.Principal === undefined)
      .flatMap(({ statement }) => [statement.Action].flat())
      .map((action) => action.replace(/^.*:/, ''));
    expect([...new Set(allowed)].sort()).toEqual([...used].sort());
  });
});

describe('the commands of the documentation for AWS', () => {
  const commands = pages.flatMap(commandsOf).filter(isAws);
  const deployments = commands.filter((command) => command.startsWith('aws cloudformation deploy '));
  const overridesOf = (command: string) =>
    (/--parameter-overrides (.*)$/.exec(command)?.[1] ?? '')
      .split(' ')
      .map((pair) => pair.split('=') as [string, string]);

  it('deploy this template, as one that makes a role, where CloudFront is at home', () => {
    expect(deployments.length).toBeGreaterThan(1);
    for (const command of deployments) {
      expect(command).toContain(' --template-file edge-shim/deploy/template.yaml ');
      expect(command).toContain(' --region us-east-1 ');
      expect(command).toContain(' --capabilities CAPABILITY_IAM ');
    }
    // A role with a name of its own would want CAPABILITY_NAMED_IAM.
    expect(propertiesOf('Publisher')).not.toHaveProperty('RoleName');
  });

  it('give parameters that there are, with values that they take', () => {
    for (const [name, value] of deployments.flatMap(overridesOf)) {
      expect(takes(template, name, value), `${name}=${value}`).toBe(true);
    }
  });

  it('give every parameter without a default in the first of them', () => {
    const needed = Object.entries(template.Parameters).filter(([, { Default }]) => Default === undefined);
    const given = overridesOf(deployments[0] as string).map(([name]) => name);
    expect(given).toEqual(expect.arrayContaining(needed.map(([name]) => name)));
  });

  it('are otherwise questions', () => {
    const others = commands.filter((command) => !deployments.includes(command));
    for (const command of others) expect(command).toMatch(/^aws cloudformation describe-stacks --region us-east-1 /);
  });
});

describe('the workflow that publishes', () => {
  const workflow = readFileSync(new URL('.github/workflows/publish.yml', root), 'utf8');

  it('works in the very environments that the role trusts', () => {
    const environment = String(template.Parameters['Environment']?.Default);
    const [trust] = statementsOf(template).filter(({ place }) => place === 'Publisher');
    const subjects = trust?.statement.Condition?.['StringEquals']?.['token.actions.githubusercontent.com:sub'];
    const trusted = (subjects as { 'Fn::Sub': string }[]).map((subject) =>
      subject['Fn::Sub'].replace('${Environment}', environment).replace('repo:${Repository}:environment:', ''),
    );
    const names = /^ {4}environment: (.*)$/m.exec(workflow)?.[1]?.match(/(?<=')[\w-]+(?=')/g);
    expect(names?.sort()).toEqual(trusted.sort());
  });

  it('asks for a token in that job alone', () => {
    expect(workflow.match(/id-token/g)).toHaveLength(1);
    expect(workflow).toMatch(/^permissions: \{\}$/m);
  });
});
