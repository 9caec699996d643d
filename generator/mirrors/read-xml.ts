import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { messageOf, quoted, UsageError } from '../../core/errors.ts';

/** One `<uri>` of the list, all as it is written. */
export interface ListedUri {
  readonly text: string;
  readonly protocol: string;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly partial: boolean;
}

/** One `<mirror>` of the list with what its group says of it. */
export interface ListedMirror {
  readonly name: string;
  readonly country: string;
  readonly uris: readonly ListedUri[];
}

const LISTS = new Set(['mirrorgroup', 'mirror', 'name', 'uri']);
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  // Only with this are numeric references (&#233;) read, which are XML's own.
  htmlEntities: true,
  isArray: (name, _path, _isLeaf, isAttribute) => !isAttribute && LISTS.has(name),
});

/**
 * Where a document begins, with a document type of a name and a place alone (XML 1.0, productions 22, 28 and 75): as
 * nothing is fetched, that declares nothing.
 */
const BARE_DOCTYPE =
  /^(\ufeff?\s*(?:<\?[^>]{0,1000}\?>\s*){0,10})<!DOCTYPE\s+[^\s"'<>[\]]{1,200}(?:\s+(?:SYSTEM|PUBLIC\s+(?:"[^"<>]{0,1000}"|'[^'<>]{0,1000}'))\s+(?:"[^"<>]{0,1000}"|'[^'<>]{0,1000}'))?\s*>/;

/**
 * Reads Gentoo's `distfiles.xml`: `<mirrors><mirrorgroup country><mirror><name/><uri protocol ipv4 ipv6 partial>`.
 * Comments are skipped, and the name of a document type. Throws UsageError, naming `list`, where the text is not
 * well-formed XML of that kind, or its document type has declarations (`[`): entities that grow are made there.
 */
export function readMirrorXml(xml: string, list: string): ListedMirror[] {
  const text = withoutComments(xml).replace(
    BARE_DOCTYPE,
    (all, before) => before + linesAlone(all.slice(before.length)),
  );
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) {
    throw new UsageError(
      `${list}: declares a document type of its own; remove <!DOCTYPE …>, or what it has between [ and ]`,
    );
  }
  const root = child(parsed(text, list), 'mirrors');
  if (root === undefined) {
    throw new UsageError(
      `${list}: not a mirror list: no <mirrors> element; give Gentoo's distfiles.xml or one like it`,
    );
  }
  return children(root, 'mirrorgroup').flatMap((group) =>
    children(group, 'mirror').map((mirror) => ({
      name: textOf(children(mirror, 'name')[0]),
      country: attribute(group, 'country'),
      uris: children(mirror, 'uri').map(listedUri),
    })),
  );
}

function listedUri(uri: unknown): ListedUri {
  return {
    text: textOf(uri),
    protocol: attribute(uri, 'protocol'),
    ipv4: attribute(uri, 'ipv4') !== 'n',
    ipv6: attribute(uri, 'ipv6') === 'y',
    partial: attribute(uri, 'partial') === 'y',
  };
}

function parsed(text: string, list: string): unknown {
  let problem: string;
  try {
    const validity = XMLValidator.validate(text);
    if (validity === true) return parser.parse(text);
    problem = `line ${validity.err.line}: ${quoted(validity.err.msg)}`;
  } catch (error) {
    problem = quoted(messageOf(error));
  }
  throw new UsageError(`${list}: not well-formed XML (${problem}); mend it or give another list`);
}

/** Comments go before anything is looked for; their lines stay, for the numbers in messages. */
function withoutComments(xml: string): string {
  const pieces: string[] = [];
  let from = 0;
  for (let start = xml.indexOf('<!--'); start >= 0; start = xml.indexOf('<!--', from)) {
    const end = xml.indexOf('-->', start + 4);
    if (end < 0) break;
    pieces.push(xml.slice(from, start), linesAlone(xml.slice(start, end)));
    from = end + 3;
  }
  return pieces.join('') + xml.slice(from);
}

function linesAlone(text: string): string {
  return text.replace(/[^\n]+/g, '');
}

function child(node: unknown, name: string): unknown {
  return typeof node === 'object' && node !== null && Object.hasOwn(node, name)
    ? (node as Record<string, unknown>)[name]
    : undefined;
}

function children(node: unknown, name: string): readonly unknown[] {
  const found = child(node, name);
  return Array.isArray(found) ? found : [];
}

function attribute(node: unknown, name: string): string {
  const value = child(node, `@${name}`);
  return typeof value === 'string' ? value.trim() : '';
}

/** An element is its text alone where it has no attributes. */
function textOf(node: unknown): string {
  const text = typeof node === 'string' ? node : child(node, '#text');
  return typeof text === 'string' ? text.trim() : '';
}
