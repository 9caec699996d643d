import { callOf, eachCall, isObject, type Json, type JsonObject, type Template } from './template.ts';

/** What a stack would consist of for one outcome of the conditions: without `Fn::If`, without what is left out. */
export interface Variant {
  /** The names of the conditions that hold. */
  readonly holding: ReadonlySet<string>;
  readonly resources: Readonly<Record<string, { readonly Type: string; readonly Properties: JsonObject }>>;
  readonly outputs: Readonly<Record<string, Json>>;
}

const LEFT_OUT = Symbol('AWS::NoValue');

/**
 * A variant for each outcome of the comparisons that conditions are made of, as if all were independent. Throws Error
 * where a condition is none, or names none.
 */
export function variantsOf(template: Template): Variant[] {
  const comparisons = new Set<string>();
  eachCall({ ...template.Conditions }, (name, argument) => {
    if (name === 'Fn::Equals') comparisons.add(JSON.stringify(argument));
  });
  const names = [...comparisons];
  const variants = new Map<string, Variant>();
  for (let bits = 0; bits < 2 ** names.length; bits++) {
    const isTrue = new Map(names.map((name, i) => [name, ((bits >> i) & 1) === 1]));
    const holding = Object.keys(template.Conditions).filter((name) => holds(template, { Condition: name }, isTrue));
    const key = holding.join(' ');
    if (!variants.has(key)) variants.set(key, variantOf(template, new Set(holding)));
  }
  return [...variants.values()];
}

function holds(template: Template, condition: Json, isTrue: ReadonlyMap<string, boolean>): boolean {
  const call = callOf(condition);
  const of = (value: Json) => holds(template, value, isTrue);
  switch (call?.name) {
    case 'Condition': {
      const named = template.Conditions[String(call.argument)];
      if (named === undefined) throw new Error(`condition ${call.argument}: there is none of this name`);
      return of(named);
    }
    case 'Fn::Equals':
      return isTrue.get(JSON.stringify(call.argument)) as boolean;
    case 'Fn::Not':
      return !of((call.argument as Json[])[0] as Json);
    case 'Fn::And':
      return (call.argument as Json[]).every(of);
    case 'Fn::Or':
      return (call.argument as Json[]).some(of);
    default:
      throw new Error(`not a condition: ${JSON.stringify(condition)}`);
  }
}

function variantOf(template: Template, holding: ReadonlySet<string>): Variant {
  const isThere = ({ Condition }: { readonly Condition?: string }): boolean => {
    if (Condition !== undefined && !(Condition in template.Conditions)) {
      throw new Error(`condition ${Condition}: there is none of this name`);
    }
    return Condition === undefined || holding.has(Condition);
  };
  const resolve = (value: Json) => resolved(value, template, holding) as Json;
  const present = <T extends { readonly Condition?: string }>(entries: Readonly<Record<string, T>>) =>
    Object.entries(entries).filter(([, entry]) => isThere(entry));
  return {
    holding,
    resources: Object.fromEntries(
      present(template.Resources).map(([name, { Type, Properties }]) => [
        name,
        { Type, Properties: resolve(Properties ?? {}) as JsonObject },
      ]),
    ),
    outputs: Object.fromEntries(present(template.Outputs).map(([name, { Value }]) => [name, resolve(Value)])),
  };
}

function resolved(value: Json, template: Template, holding: ReadonlySet<string>): Json | typeof LEFT_OUT {
  const call = callOf(value);
  if (call?.name === 'Fn::If') {
    const [condition, yes, no] = call.argument as Json[];
    if (!(String(condition) in template.Conditions)) {
      throw new Error(`condition ${condition}: there is none of this name`);
    }
    return resolved((holding.has(String(condition)) ? yes : no) as Json, template, holding);
  }
  if (call?.name === 'Ref' && call.argument === 'AWS::NoValue') return LEFT_OUT;
  const isKept = (part: Json | typeof LEFT_OUT): part is Json => part !== LEFT_OUT;
  if (Array.isArray(value)) return value.map((item) => resolved(item, template, holding)).filter(isKept);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, resolved(item, template, holding)] as const);
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, Json] => isKept(entry[1])));
}
