import { isAlias, parseDocument, visit } from 'yaml';

/** A CloudFormation template as JSON: short forms of functions (`!Ref X`) are written out (`{ Ref: 'X' }`). */
export interface Template {
  readonly Description?: string;
  readonly Parameters: Readonly<Record<string, Parameter>>;
  readonly Rules: Readonly<Record<string, Json>>;
  readonly Conditions: Readonly<Record<string, Json>>;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, Output>>;
}

export interface Parameter {
  readonly Type: string;
  readonly Default?: string | number;
  readonly AllowedPattern?: string;
  readonly AllowedValues?: readonly string[];
}

export interface Resource {
  readonly Type: string;
  readonly Condition?: string;
  readonly DependsOn?: string | readonly string[];
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Properties?: JsonObject;
}

export interface Output {
  readonly Value: Json;
  readonly Condition?: string;
}

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html */
const FUNCTIONS = ['Ref', 'Condition', 'GetAtt', 'Sub', 'If', 'Equals', 'And', 'Or', 'Not', 'Join', 'Select', 'Split'];

const longName = (name: string) => (name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`);

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The name and argument of a function in its long form; null where the value is none. */
export function callOf(value: Json): { readonly name: string; readonly argument: Json } | null {
  if (!isObject(value)) return null;
  const [entry, ...more] = Object.entries(value);
  if (entry === undefined || more.length > 0) return null;
  const [name, argument] = entry;
  return FUNCTIONS.some((known) => longName(known) === name) ? { name, argument } : null;
}

/**
 * Throws Error where the text is no YAML that CloudFormation reads: it knows neither aliases nor other tags
 * (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html), and the key of a
 * `Condition` of a policy is not its own function.
 */
export function parseTemplate(text: string): Template {
  const scalar = (name: string) => ({
    tag: `!${name}`,
    resolve: (argument: string): JsonObject => ({
      [longName(name)]: name === 'GetAtt' ? getAtt(argument) : argument,
    }),
  });
  const collection = (name: string) => ({
    tag: `!${name}`,
    collection: 'seq' as const,
    resolve: (sequence: { toJSON(): Json }): Json => ({ [longName(name)]: sequence.toJSON() }),
  });
  const document = parseDocument(text, {
    customTags: [...FUNCTIONS.map(scalar), ...FUNCTIONS.map(collection)] as never[],
  });
  for (const problem of [...document.errors, ...document.warnings]) throw new Error(problem.message);
  visit(document, (_, node) => {
    if (isAlias(node)) throw new Error(`alias *${node.source}: CloudFormation reads no aliases`);
  });
  const template = document.toJS() as Partial<Template>;
  return { Parameters: {}, Rules: {}, Conditions: {}, Resources: {}, Outputs: {}, ...template };
}

function getAtt(argument: string): Json {
  const dot = argument.indexOf('.');
  return dot < 0 ? [argument, ''] : [argument.slice(0, dot), argument.slice(dot + 1)];
}

/** The names in a text of `Fn::Sub`, without those of its own map; `${!Literal}` is none. */
export function namesInSub(argument: Json): string[] {
  const [text, own] = Array.isArray(argument) ? [argument[0], argument[1]] : [argument, {}];
  const names = [...String(text).matchAll(/\$\{([^!}][^}]*)\}/g)].map(([, name]) => (name as string).trim());
  return names.filter((name) => !isObject(own as Json) || !(name in (own as JsonObject)));
}

/** Calls `found` with each function below the value, outermost first. */
export function eachCall(value: Json, found: (name: string, argument: Json) => void): void {
  const call = callOf(value);
  if (call !== null) found(call.name, call.argument);
  if (Array.isArray(value)) for (const item of value) eachCall(item as Json, found);
  else if (isObject(value)) for (const item of Object.values(value)) eachCall(item, found);
}
