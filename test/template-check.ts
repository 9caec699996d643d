import type { Property, PropertyType, SpecDatabase } from '@aws-cdk/service-spec-types';
import { parse, type ScalarTag } from 'yaml';

type Values = Readonly<Record<string, unknown>>;

export interface Template {
  readonly Parameters: Readonly<Record<string, { readonly Default?: string; readonly AllowedPattern?: string }>>;
  readonly Conditions: Values;
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Condition?: string; readonly Properties: Values }>
  >;
  readonly Outputs: Values;
}

const LONG: Readonly<Record<string, string>> = { '!Ref': 'Ref', '!Condition': 'Condition' };
const SCALARS = ['!Ref', '!Sub', '!GetAtt', '!Condition'];
const SEQUENCES = ['!If', '!Equals', '!Not', '!And', '!Or'];
const longName = (tag: string) => LONG[tag] ?? `Fn::${tag.slice(1)}`;

/** Reads a CloudFormation template; the short forms of intrinsic functions become the long ones. */
export function readTemplate(text: string): Template {
  const scalars = SCALARS.map((tag) => ({ tag, resolve: (value: string) => ({ [longName(tag)]: value }) }));
  const sequences = SEQUENCES.map((tag) => ({
    tag,
    collection: 'seq' as const,
    resolve: (items: { toJSON(): unknown }) => ({ [longName(tag)]: items.toJSON() }),
  }));
  return parse(text, { customTags: [...scalars, ...sequences] as unknown as ScalarTag[] }) as Template;
}

/** What is wrong with a template by the resource schemas, a line each; what its functions refer to must be there. */
export function problemsOf(template: Template, db: SpecDatabase): string[] {
  const problems: string[] = [];
  const report = (place: string, what: string) => problems.push(`${place}: ${what}`);
  for (const [name, { Type, Properties, Condition }] of Object.entries(template.Resources)) {
    const [schema] = db.lookup('resource', 'cloudFormationType', 'equals', Type);
    if (schema === undefined) report(name, `no resource type ${Type}`);
    else checkProperties(Properties, schema.properties, name, db, report);
    if (Condition !== undefined && !(Condition in template.Conditions)) report(name, `no condition ${Condition}`);
  }
  for (const part of ['Resources', 'Conditions', 'Outputs'] as const) {
    checkReferences(template[part], part, template, db, report);
  }
  return problems;
}

type Report = (place: string, what: string) => void;

function checkProperties(
  values: Values,
  schema: Readonly<Record<string, Property>>,
  place: string,
  db: SpecDatabase,
  report: Report,
): void {
  for (const [name, { required }] of Object.entries(schema)) {
    if (required === true && !(name in values)) report(place, `${name} is missing`);
  }
  for (const [name, value] of Object.entries(values)) {
    const property = schema[name];
    if (property === undefined) report(place, `no property ${name}`);
    else checkValue(value, property.type, `${place}.${name}`, db, report);
  }
}

function checkValue(value: unknown, type: PropertyType, place: string, db: SpecDatabase, report: Report): void {
  if (isIntrinsic(value)) {
    // Of `Fn::If` both outcomes have to fit; what others come to is not known here.
    const [, ...outcomes] = (value['Fn::If'] ?? []) as unknown[];
    for (const outcome of outcomes) checkValue(outcome, type, place, db, report);
    return;
  }
  const wrong = () => report(place, `${JSON.stringify(value)} is no ${type.type}`);
  switch (type.type) {
    case 'string':
      if (typeof value !== 'string') wrong();
      else if (type.allowedValues !== undefined && !type.allowedValues.includes(value)) wrong();
      return;
    case 'integer':
      if (!Number.isInteger(value)) wrong();
      return;
    case 'number':
      if (typeof value !== 'number') wrong();
      return;
    case 'boolean':
      if (typeof value !== 'boolean') wrong();
      return;
    case 'array':
      if (!Array.isArray(value)) wrong();
      else for (const [i, item] of value.entries()) checkValue(item, type.element, `${place}[${i}]`, db, report);
      return;
    case 'ref':
      if (typeof value !== 'object' || value === null || Array.isArray(value)) wrong();
      else
        checkProperties(value as Values, db.get('typeDefinition', type.reference.$ref).properties, place, db, report);
      return;
    case 'json':
      if (typeof value !== 'object' || value === null) wrong();
      return;
    case 'union': {
      const tries = type.types.map((one) => {
        const problems: string[] = [];
        checkValue(value, one, place, db, (at, what) => problems.push(`${at}: ${what}`));
        return problems;
      });
      if (tries.every((problems) => problems.length > 0)) wrong();
      return;
    }
    default:
  }
}

function isIntrinsic(value: unknown): value is Values {
  if (typeof value !== 'object' || value === null) return false;
  const [name, ...others] = Object.keys(value);
  return others.length === 0 && name !== undefined && (name === 'Ref' || name.startsWith('Fn::'));
}

function checkReferences(value: unknown, place: string, template: Template, db: SpecDatabase, report: Report): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    const at = `${place}.${name}`;
    if (name === 'Ref') checkReference(String(inner), at, template, report);
    else if (name === 'Fn::GetAtt') checkAttribute(String(inner), at, template, db, report);
    else if (name === 'Fn::If') {
      const condition = String((inner as unknown[])[0]);
      if (!(condition in template.Conditions)) report(at, `no condition ${condition}`);
    } else if (name === 'Fn::Sub') {
      for (const [, target] of String(inner).matchAll(/\$\{([^!}][^}]*)\}/g)) {
        if ((target as string).includes('.')) checkAttribute(target as string, at, template, db, report);
        else checkReference(target as string, at, template, report);
      }
    }
    checkReferences(inner, at, template, db, report);
  }
}

function checkReference(target: string, place: string, { Resources, Parameters }: Template, report: Report): void {
  if (!target.startsWith('AWS::') && !(target in Resources) && !(target in Parameters))
    report(place, `nothing is called ${target}`);
}

function checkAttribute(text: string, place: string, { Resources }: Template, db: SpecDatabase, report: Report): void {
  const [resource = '', ...attribute] = text.split('.');
  const [schema] = db.lookup('resource', 'cloudFormationType', 'equals', Resources[resource]?.Type ?? '');
  if (schema?.attributes[attribute.join('.')] === undefined) report(place, `nothing is called ${text}`);
}
