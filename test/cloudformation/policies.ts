import * as cloudfront from '@aws-sdk/client-cloudfront';
import * as keyValueStore from '@aws-sdk/client-cloudfront-keyvaluestore';
import { callOf, type Json, type Template } from './template.ts';

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: Json;
  readonly Principal?: Json;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, Json>>>>;
}

export interface PlacedStatement {
  /** The resource that it is part of. */
  readonly place: string;
  readonly statement: PolicyStatement;
}

/** All statements of policies in a template. */
export function statementsOf(template: Template): PlacedStatement[] {
  const found: PlacedStatement[] = [];
  const search = (place: string, value: Json): void => {
    if (typeof value !== 'object' || value === null || callOf(value)?.name === 'Fn::Sub') return;
    if ('Effect' in value && 'Action' in value) found.push({ place, statement: value as unknown as PolicyStatement });
    for (const item of Object.values(value)) search(place, item as Json);
  };
  for (const [name, { Properties = {} }] of Object.entries(template.Resources)) search(name, Properties);
  return found;
}

const TOKENS = 'token.actions.githubusercontent.com';
/** Of other services, whose SDK is not here. */
const OTHER_ACTIONS = ['sts:AssumeRoleWithWebIdentity', 's3:PutObject'];

function isAction(action: string): boolean {
  const [service = '', name = ''] = action.split(':');
  const sdk = { cloudfront, 'cloudfront-keyvaluestore': keyValueStore }[service];
  return sdk === undefined ? OTHER_ACTIONS.includes(action) : `${name}Command` in sdk;
}

/** Sentences on what the statements of a template allow beyond need, or by actions that there are not. */
export function tooMuchOf(template: Template): string[] {
  return statementsOf(template).flatMap(({ place, statement }) => {
    const { Sid, Action, Resource, Principal, Condition = {} } = statement;
    const problems: string[] = [];
    for (const action of [Action].flat()) {
      if (action.includes('*')) problems.push(`allows ${action}`);
      else if (!isAction(action)) problems.push(`there is no action ${action}`);
    }
    for (const text of [JSON.stringify(Resource ?? ''), JSON.stringify(Principal ?? '')]) {
      // A whole bucket of one's own is the one thing whose parts are named only by those who write them.
      if (/\*/.test(text.replace('${LogBucket.Arn}/*', ''))) problems.push(`reaches ${text}`);
    }
    if (Principal === undefined && Resource === undefined) problems.push('names no resource');
    if ([Action].flat().includes('sts:AssumeRoleWithWebIdentity')) problems.push(...looseTrust(Condition));
    else if (Principal !== undefined && !('aws:SourceArn' in { ...Condition['ArnEquals'] })) {
      problems.push('lets a service in for anybody: aws:SourceArn is wanted');
    }
    return problems.map((problem) => `${place}, ${Sid ?? 'statement'}: ${problem}`);
  });
}

/** Without both, exactly, every workflow of GitHub could take the role. */
function looseTrust(condition: NonNullable<PolicyStatement['Condition']>): string[] {
  const { StringEquals = {}, ...others } = condition;
  const subjects = [StringEquals[`${TOKENS}:sub`] ?? 'anybody'].flat() as Json[];
  const texts = subjects.map((subject) => String(callOf(subject)?.argument ?? subject));
  return [
    ...(StringEquals[`${TOKENS}:aud`] === 'sts.amazonaws.com' ? [] : ['any audience']),
    ...texts
      .filter((text) => !/^repo:[^*?]+:(environment|ref):[^*?]+$/.test(text))
      .map((text) => `trusts ${text}, not an environment or branch of one repository`),
    ...Object.keys(others).map((operator) => `${operator} where StringEquals is wanted`),
  ];
}
