import type { Property, SpecDatabase } from '@aws-cdk/service-spec-types';
import { callOf, type Json } from './template.ts';

/** What of a resource a `Ref` or `Fn::GetAtt` gives. */
interface Link {
  readonly type: string;
  /** `FunctionARN`, `Id`; what `Ref` gives is the type's first identifier. */
  readonly part: string;
}

/**
 * Sentences on a property that is given the wrong part of another resource: another than AWS' schema names, or no ARN
 * where its name asks for one.
 */
export function againstLinks(
  name: string,
  { relationshipRefs = [] }: Property,
  value: Json,
  place: string,
  resources: Readonly<Record<string, { readonly Type: string }>>,
  db: SpecDatabase,
): string[] {
  return [value].flat().flatMap((each) => {
    const link = linkOf(each as Json, resources, db);
    if (link === null) return [];
    const wanted = relationshipRefs.map(
      ({ cloudFormationType, propertyName }) => `${cloudFormationType} ${propertyName}`,
    );
    const isWanted =
      wanted.length > 0 ? wanted.includes(`${link.type} ${link.part}`) : !/arn$/i.test(name) || /arn$/i.test(link.part);
    if (isWanted) return [];
    return [`${place}: the ${link.part} of a ${link.type} is not ${wanted.join(', nor ') || 'an ARN'}`];
  });
}

function linkOf(
  value: Json,
  resources: Readonly<Record<string, { readonly Type: string }>>,
  db: SpecDatabase,
): Link | null {
  const call = callOf(value);
  if (call?.name !== 'Ref' && call?.name !== 'Fn::GetAtt') return null;
  const [name, attribute] = [call.argument].flat().map(String);
  const type = resources[name as string]?.Type;
  if (type === undefined) return null;
  const [schema] = db.lookup('resource', 'cloudFormationType', 'equals', type);
  const [identifier = ''] = schema?.cfnRefIdentifier ?? schema?.primaryIdentifier ?? [];
  return { type, part: attribute ?? identifier };
}
