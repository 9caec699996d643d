import type { SpecDatabase } from '@aws-cdk/service-spec-types';
import { againstSchema, attributesOf } from './schema.ts';
import { eachCall, type Json, namesInSub, parseTemplate, type Template } from './template.ts';
import { type Variant, variantsOf } from './variants.ts';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html */
const PSEUDO_PARAMETERS = [
  'AWS::AccountId',
  'AWS::NoValue',
  'AWS::Partition',
  'AWS::Region',
  'AWS::StackId',
  'AWS::StackName',
  'AWS::URLSuffix',
];

/** What is taken as a file of one's own; larger ones must lie in a bucket. */
export const MAX_TEMPLATE_BYTES = 51_200;

const SECTIONS = ['AWSTemplateFormatVersion', 'Description', 'Metadata', 'Parameters', 'Rules', 'Conditions'];
const RESOURCE_KEYS = [
  'Type',
  'Condition',
  'DependsOn',
  'DeletionPolicy',
  'UpdateReplacePolicy',
  'Metadata',
  'Properties',
];

/**
 * Sentences on what CloudFormation would refuse in a template, for any values of its parameters: names that lead
 * nowhere (also to what a condition leaves out), what the types' schemas do not allow, and what is never used.
 */
export function problemsOf(text: string, db: SpecDatabase): string[] {
  const problems: string[] = [];
  if (Buffer.byteLength(text) > MAX_TEMPLATE_BYTES) problems.push(`more than ${MAX_TEMPLATE_BYTES} bytes`);
  try {
    const template = parseTemplate(text);
    problems.push(...keysOf(template), ...parametersOf(template), ...unused(template));
    const parameters = template.Parameters;
    for (const variant of variantsOf(template)) {
      problems.push(...nowhere(template, variant, db));
      for (const [name, { Type, Properties }] of Object.entries(variant.resources)) {
        problems.push(...againstSchema(Type, Properties, name, { db, parameters, resources: variant.resources }));
      }
    }
  } catch (error) {
    problems.push((error as Error).message);
  }
  return [...new Set(problems)];
}

function keysOf(template: Template): string[] {
  const foreign = (keys: readonly string[], known: readonly string[], place: string) =>
    keys.filter((key) => !known.includes(key)).map((key) => `${place}: there is no ${key}`);
  return [
    ...foreign(Object.keys(template), [...SECTIONS, 'Resources', 'Outputs'], 'the template'),
    ...Object.entries(template.Resources).flatMap(([name, it]) => foreign(Object.keys(it), RESOURCE_KEYS, name)),
    ...Object.entries(template.Resources).flatMap(([name, { DependsOn = [] }]) =>
      [DependsOn]
        .flat()
        .filter((other) => !(other in template.Resources))
        .map((other) => `${name}: DependsOn names ${other}, which there is not`),
    ),
    ...Object.entries(template.Resources).flatMap(([name, it]) => [
      ...againstPolicy(name, 'DeletionPolicy', it.DeletionPolicy, [
        'Delete',
        'Retain',
        'RetainExceptOnCreate',
        'Snapshot',
      ]),
      ...againstPolicy(name, 'UpdateReplacePolicy', it.UpdateReplacePolicy, ['Delete', 'Retain', 'Snapshot']),
    ]),
    ...[...Object.keys(template.Parameters), ...Object.keys(template.Resources), ...Object.keys(template.Outputs)]
      .filter((name) => !/^[A-Za-z0-9]{1,255}$/.test(name))
      .map((name) => `${name}: names are of letters and digits`),
  ];
}

function againstPolicy(name: string, key: string, value: string | undefined, known: readonly string[]): string[] {
  return value === undefined || known.includes(value)
    ? []
    : [`${name}: ${key} ${value} is none of ${known.join(', ')}`];
}

/** Whether a value is one that a parameter takes. */
export function takes(template: Template, name: string, value: string): boolean {
  const { Type, AllowedPattern = '', AllowedValues } = template.Parameters[name] ?? { Type: '' };
  if (Type === 'Number' && !/^-?\d+(\.\d+)?$/.test(value)) return false;
  // AllowedPattern has to match the whole value.
  const fits = AllowedPattern === '' || new RegExp(`^(?:${AllowedPattern})$`).test(value);
  return Type !== '' && fits && (AllowedValues?.includes(value) ?? true);
}

function parametersOf(template: Template): string[] {
  return Object.entries(template.Parameters)
    .filter(([name, { Default }]) => Default !== undefined && !takes(template, name, String(Default)))
    .map(([name, { Default }]) => `${name}: its default ${JSON.stringify(Default)} is not allowed`);
}

function unused(template: Template): string[] {
  const { Parameters, Conditions, Rules, Resources, Outputs } = template;
  const used = new Set<string>();
  const use = (name: string, argument: Json) => {
    if (name === 'Fn::Sub') for (const inside of namesInSub(argument)) used.add(`Ref ${inside}`);
    else if (name === 'Fn::If') used.add(`Condition ${(argument as Json[])[0]}`);
    else used.add(`${name} ${argument}`);
  };
  eachCall({ ...Conditions, ...Rules } as Json, use);
  for (const { Condition, Properties = {} } of Object.values(Resources)) {
    used.add(`Condition ${Condition}`);
    eachCall(Properties, use);
  }
  for (const { Condition, Value } of Object.values(Outputs)) {
    used.add(`Condition ${Condition}`);
    eachCall(Value, use);
  }
  return [
    ...Object.keys(Parameters)
      .filter((name) => !used.has(`Ref ${name}`))
      .map((name) => `${name}: a parameter that nothing uses`),
    ...Object.keys(Conditions)
      .filter((name) => !used.has(`Condition ${name}`))
      .map((name) => `${name}: a condition that nothing uses`),
  ];
}

/** References of a variant, of rules and of conditions that lead nowhere. */
function nowhere(template: Template, variant: Variant, db: SpecDatabase): string[] {
  const problems: string[] = [];
  const isParameter = (name: string) => name in template.Parameters || PSEUDO_PARAMETERS.includes(name);
  const isRef = (name: string) => isParameter(name) || name in variant.resources;
  const missing = (name: string) =>
    name in template.Resources ? `${name}, which is not always there` : `${name}, which there is not`;
  const getAtt = (place: string, name: string, attribute: string) => {
    const resource = variant.resources[name];
    if (resource === undefined) problems.push(`${place} names ${missing(name)}`);
    else if (!attributesOf(resource.Type, db).includes(attribute)) {
      problems.push(`${place}: ${resource.Type} has no attribute ${attribute}`);
    }
  };
  const look = (place: string) => (name: string, argument: Json) => {
    if (name === 'Ref' && !isRef(String(argument))) problems.push(`${place} names ${missing(String(argument))}`);
    if (name === 'Fn::GetAtt') getAtt(place, ...(argument as [string, string]));
    if (name !== 'Fn::Sub') return;
    for (const inside of namesInSub(argument)) {
      const [resource = '', ...attribute] = inside.split('.');
      if (attribute.length > 0) getAtt(place, resource, attribute.join('.'));
      else if (!isRef(inside)) problems.push(`${place} names ${missing(inside)}`);
    }
  };
  for (const [name, { Properties }] of Object.entries(variant.resources)) eachCall(Properties, look(name));
  for (const [name, value] of Object.entries(variant.outputs)) eachCall(value, look(`output ${name}`));
  eachCall({ ...template.Rules, ...template.Conditions } as Json, (name, argument) => {
    if (name === 'Ref' && !isParameter(String(argument))) problems.push(`a condition or rule names ${argument}`);
  });
  return problems;
}
