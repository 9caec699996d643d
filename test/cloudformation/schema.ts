import type { Property, PropertyType, SpecDatabase } from '@aws-cdk/service-spec-types';
import { ENUMERATIONS } from './enumerations.ts';
import { againstLinks } from './links.ts';
import { callOf, isObject, type Json, type JsonObject, type Parameter } from './template.ts';

/** What functions in a resource's properties may lead to. */
export interface Surroundings {
  readonly db: SpecDatabase;
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly resources: Readonly<Record<string, { readonly Type: string }>>;
}

/** Sentences on a resource's properties that AWS' schema of its type does not allow; `place` begins each. */
export function againstSchema(type: string, properties: JsonObject, place: string, around: Surroundings): string[] {
  const [resource] = around.db.lookup('resource', 'cloudFormationType', 'equals', type);
  if (resource === undefined) return [`${place}: there is no resource type ${type}`];
  return againstProperties(resource.properties, resource.name, properties, place, around);
}

/** The attributes that `Fn::GetAtt` can ask of a resource type. */
export function attributesOf(type: string, db: SpecDatabase): readonly string[] {
  const [resource] = db.lookup('resource', 'cloudFormationType', 'equals', type);
  return resource === undefined ? [] : Object.keys(resource.attributes);
}

function againstProperties(
  known: Readonly<Record<string, Property>>,
  typeName: string,
  given: JsonObject,
  place: string,
  around: Surroundings,
): string[] {
  const missing = Object.entries(known)
    .filter(([name, { required }]) => required === true && !(name in given))
    .map(([name]) => `${place}: ${name} is required`);
  const wrong = Object.entries(given).flatMap(([name, value]) => {
    const property = known[name];
    const there = `${place}.${name}`;
    if (property === undefined) return [`${there}: ${typeName} has no such property`];
    const allowed = ENUMERATIONS[`${typeName}.${name}`];
    return [
      ...againstType(property.type, value, there, around),
      ...againstLinks(name, property, value, there, around.resources, around.db),
      ...(allowed === undefined ? [] : againstValues(allowed, value, there)),
    ];
  });
  return [...missing, ...wrong];
}

function againstType(type: PropertyType, value: Json, place: string, around: Surroundings): string[] {
  if (callOf(value) !== null) return againstCall(type, value, place, around);
  switch (type.type) {
    case 'json':
      return [];
    case 'union': {
      const attempts = type.types.map((option) => againstType(option, value, place, around));
      return attempts.find((problems) => problems.length === 0) ?? (attempts[0] as string[]);
    }
    case 'array':
      if (!Array.isArray(value)) return [`${place}: a list is wanted`];
      return value.flatMap((item, i) => againstType(type.element, item, `${place}[${i}]`, around));
    case 'map':
      if (!isObject(value)) return [`${place}: a map is wanted`];
      return Object.entries(value).flatMap(([key, item]) => againstType(type.element, item, `${place}.${key}`, around));
    case 'tag':
      return isObject(value) && Object.keys(value).sort().join() === 'Key,Value' ? [] : [`${place}: a tag is wanted`];
    case 'ref': {
      if (!isObject(value)) return [`${place}: an object is wanted`];
      const { name, properties } = around.db.get('typeDefinition', type.reference);
      return againstProperties(properties, name, value, place, around);
    }
    default:
      return againstScalar(type, value, place);
  }
}

type Scalar = Exclude<PropertyType, { type: 'json' | 'union' | 'array' | 'map' | 'tag' | 'ref' }>;

function againstScalar(type: Scalar, value: Json, place: string): string[] {
  const fits = {
    string: typeof value === 'string',
    'date-time': typeof value === 'string',
    integer: Number.isInteger(value),
    number: typeof value === 'number',
    boolean: typeof value === 'boolean',
    null: value === null,
  }[type.type];
  if (!fits) return [`${place}: ${JSON.stringify(value)} is no ${type.type}`];
  const allowed = 'allowedValues' in type ? type.allowedValues : undefined;
  return allowed === undefined ? [] : againstValues(allowed, value, place);
}

function againstValues(allowed: readonly unknown[], value: Json, place: string): string[] {
  const values = Array.isArray(value) ? value : [value];
  return values
    .filter((each) => callOf(each as Json) === null && !allowed.includes(each))
    .map((each) => `${place}: ${JSON.stringify(each)} is none of ${allowed.join(', ')}`);
}

/** What a function gives is a text, but for parameters that are numbers or lists. */
function againstCall(type: PropertyType, value: Json, place: string, around: Surroundings): string[] {
  const { name, argument } = callOf(value) as { name: string; argument: Json };
  const parameter = name === 'Ref' ? around.parameters[String(argument)] : undefined;
  const given = name === 'Fn::Split' ? 'list' : parameterKind(parameter);
  const options = type.type === 'union' ? type.types : [type];
  const fits = options.some(({ type: kind }) => {
    if (kind === 'array') return given === 'list';
    if (kind === 'integer' || kind === 'number') return given === 'number';
    return given !== 'list' && (kind === 'string' || kind === 'date-time' || kind === 'json');
  });
  return fits ? [] : [`${place}: ${JSON.stringify(value)} gives a ${given}, not a ${type.type}`];
}

function parameterKind(parameter: Parameter | undefined): 'text' | 'number' | 'list' {
  if (parameter === undefined) return 'text';
  if (parameter.Type === 'Number') return 'number';
  return /^CommaDelimitedList$|^List</.test(parameter.Type) ? 'list' : 'text';
}
