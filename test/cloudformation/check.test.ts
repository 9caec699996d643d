import { readFileSync } from 'node:fs';
import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec';
import { describe, expect, it } from 'vitest';
import { problemsOf } from './check.ts';
import { tooMuchOf } from './policies.ts';
import { parseTemplate } from './template.ts';

const text = readFileSync(new URL('../../edge-shim/deploy/template.yaml', import.meta.url), 'utf8');
const db = await loadAwsServiceSpec();

/** The template with one place of its text replaced. */
function broken(from: string | RegExp, to: string): string {
  const result = text.replace(from, to);
  expect(result).not.toBe(text);
  return result;
}

describe('the check of the template finds', () => {
  it.each<[string, string | RegExp, string, RegExp]>([
    [
      'a resource type that there is not',
      'AWS::CloudFront::KeyValueStore',
      'AWS::CloudFront::KeyStore',
      /no resource type/,
    ],
    [
      'a property that there is not',
      'OriginPath: !Ref OriginPath',
      'Path: !Ref OriginPath',
      /Origins\[0\]\.Path: Origin has no/,
    ],
    ['a required property that is missing', '            TargetOriginId: releases\n', '', /TargetOriginId is required/],
    ['a text for a truth value', 'IPV6Enabled: true', "IPV6Enabled: 'yes'", /IPV6Enabled: "yes" is no boolean/],
    ['a text for a list', 'AllowedMethods: [GET, HEAD]', 'AllowedMethods: GET', /AllowedMethods: a list is wanted/],
    ['a fraction for a whole number', 'Period: 300', 'Period: 0.5', /0\.5 is no integer/],
    [
      'a number parameter for a text',
      'OriginPath: !Ref OriginPath',
      'OriginPath: !Ref OriginPath\n            ConnectionTimeout: !Ref OriginPath',
      /gives a text, not a integer/,
    ],
    ['a value that is not of an enumeration', 'HttpVersion: http2and3', 'HttpVersion: http4', /"http4" is none of/],
    ['a value that the schema does not allow', 'Status: Enabled', 'Status: On', /"On" is none of Enabled, Disabled/],
    [
      'a reference to nothing',
      'FunctionARN: !GetAtt Function.FunctionARN',
      'FunctionARN: !Ref Handler',
      /names Handler, which there is not/,
    ],
    [
      'an attribute that there is not',
      '!GetAtt Function.FunctionARN',
      '!GetAtt Function.Arn',
      /Function has no attribute Arn/,
    ],
    ['a substitute that there is not', '${LogBucket.Arn}', '${LogBucket.ARN}', /Bucket has no attribute ARN/],
    [
      'a reference to what a condition leaves out',
      'Value: !Ref Alarms',
      'Value: !Ref LogBucket',
      /LogBucket, which is not always there/,
    ],
    [
      'a name for an ARN',
      'KeyValueStoreARN: !GetAtt Store.Arn',
      'KeyValueStoreARN: !Ref Store',
      /Name of a .* is not an ARN/,
    ],
    [
      'a policy of another kind',
      'CachePolicyId: !Ref SiteCache',
      'CachePolicyId: !Ref SiteHeaders',
      /Id of a .*ResponseHeadersPolicy is not AWS::CloudFront::CachePolicy/,
    ],
    [
      'a condition that there is not',
      'Condition: HasAlarmEmail',
      'Condition: HasEmail',
      /condition HasEmail: there is none/,
    ],
    ['a condition that nothing uses', 'Condition: HasAlarmEmail', '', /HasAlarmEmail: a condition that nothing uses/],
    [
      'a parameter that nothing uses',
      'PriceClass: !Ref PriceClass',
      'PriceClass: PriceClass_All',
      /PriceClass: a parameter that nothing uses/,
    ],
    [
      'a default that is not allowed',
      'Default: publish',
      "Default: 'not one word'",
      /its default "not one word" is not allowed/,
    ],
    [
      'a dependency on nothing',
      'DependsOn: [LogBucketPolicy, LogSource]',
      'DependsOn: [Bucket]',
      /DependsOn names Bucket/,
    ],
    [
      'a fate that there is not',
      'DeletionPolicy: RetainExceptOnCreate',
      'DeletionPolicy: Keep',
      /DeletionPolicy Keep is none of/,
    ],
    [
      'a misplaced key of a resource',
      /Condition: HasLogs\n {4}Properties/,
      'Conditions: HasLogs\n    Properties',
      /there is no Conditions/,
    ],
    [
      'an alias, which CloudFormation does not read',
      'AlarmActions: [!Ref Alarms]',
      'AlarmActions: &a [!Ref Alarms]\n      InsufficientDataActions: *a',
      /alias/,
    ],
    ['a key that is there twice', 'Enabled: true', 'Enabled: true\n        Enabled: true', /unique/],
    ['a file that is too large', /$/, `# ${'x'.repeat(40_000)}`, /more than 51200 bytes/],
  ])('%s', (_, from, to, problem) => {
    expect(problemsOf(broken(from, to), db).join('\n')).toMatch(problem);
  });

  it.each<[string, string | RegExp, string, RegExp]>([
    ['all actions of a service', '- cloudfront:GetFunction', '- cloudfront:*', /Function: allows cloudfront:\*/],
    [
      'an action that there is not',
      '- cloudfront:GetFunction',
      '- cloudfront:ReadFunction',
      /no action cloudfront:ReadFunction/,
    ],
    ['all resources', 'Resource: !GetAtt Function.FunctionARN', "Resource: '*'", /Function: reaches/],
    [
      'all functions',
      'Resource: !GetAtt Function.FunctionARN',
      'Resource: !Sub arn:aws:cloudfront::${AWS::AccountId}:function/*',
      /Function: reaches/,
    ],
    [
      'workflows of every repository',
      'repo:${Repository}:environment:${Environment}-force',
      'repo:*',
      /not an environment or branch/,
    ],
    ['every branch of the repository', ':environment:${Environment}\n', ':*\n', /not an environment or branch/],
    [
      'subjects that are only alike',
      'StringEquals:\n                token',
      'StringLike:\n                token',
      /StringLike where StringEquals/,
    ],
    ['tokens for others', ':aud: sts.amazonaws.com', ':aud: sigstore', /any audience/],
    ['logs of everybody', 'ArnEquals', 'ArnLikeIfExists', /for anybody/],
  ])('a policy that allows %s', (_, from, to, problem) => {
    expect(tooMuchOf(parseTemplate(broken(from, to))).join('\n')).toMatch(problem);
  });
});
