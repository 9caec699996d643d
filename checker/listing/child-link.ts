import type { ObjectPath } from '../../core/path.ts';
import { pathFromLatin1 } from '../../core/path-bytes.ts';

/** The directory that a page is about. */
export interface Directory {
  /** `http://host[:port]`. */
  readonly origin: string;
  /** Absolute and canonical (core/path.ts), with a slash at both ends. */
  readonly path: string;
  /** The segment that a heading must end with; '' where the server may call it otherwise. */
  readonly name: ObjectPath;
}

/** Why a link is no entry. Those of `DOUBTFUL` may stand for a name that could not be read. */
export type Rejection =
  | 'query'
  | 'fragment'
  | 'other host'
  | 'parent'
  | 'the directory itself'
  | 'leaves the directory'
  | 'not a child'
  | 'outside the list'
  | 'other scheme'
  | 'query after a name'
  | 'fragment after a name'
  | 'control character'
  | 'bad percent-encoding'
  | 'no file name'
  | 'too long';

/** A page with one of these may hold a name that was not understood: what it does not show may be there. */
export const DOUBTFUL: ReadonlySet<Rejection> = new Set<Rejection>([
  'other scheme',
  'query after a name',
  'fragment after a name',
  'control character',
  'bad percent-encoding',
  'no file name',
  'too long',
]);

export type ChildLink = { readonly name: ObjectPath; readonly isDirectory: boolean } | { readonly rejected: Rejection };

const MAX_LINK_CHARACTERS = 4096;
const MAX_NAME_BYTES = 255;
/** A name in its canonical spelling (core/path.ts), without control characters. */
export const CANONICAL_NAME = '(?:[A-Za-z0-9._~-]|%(?:2[0-9A-C]|3[A-F]|40|5[B-E]|60|7[B-D]|[89A-F][0-9A-F])){1,255}';
const CANONICAL_CHILD = new RegExp(`^(?![.]{1,2}(?:/|$))(${CANONICAL_NAME})(/?)$`);
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;
const ENCODED_OR_NOT = /%([0-9A-Fa-f]{2})|[^A-Za-z0-9._~/-]/g;

/**
 * The name of a directory's child that a link leads to, or why it leads to none. `href` has one character for each
 * byte; a character above U+00FF, which only an entity can have made, stands for its UTF-8 bytes. Never throws.
 */
export function childLink(href: string, directory: Directory): ChildLink {
  const canonical = CANONICAL_CHILD.exec(href);
  if (canonical !== null) return { name: canonical[1] as string, isDirectory: canonical[2] === '/' };
  if (href.length > MAX_LINK_CHARACTERS) return { rejected: 'too long' };
  if (CONTROL.test(href)) return { rejected: 'control character' };
  const path = withoutOrigin(href, directory.origin);
  if (typeof path !== 'string') return path;
  const relative = path.startsWith('./') ? path.slice(2) : path;
  if (relative.startsWith('?')) return { rejected: 'query' };
  if (relative.startsWith('#')) return { rejected: 'fragment' };
  const bytes = canonicalBytes(relative);
  if (typeof bytes !== 'string') return bytes;
  return bytes.startsWith('/') ? childByPath(bytes, directory.path) : childByName(bytes);
}

/** One character for each byte: those above U+00FF, which entities make, become their UTF-8 bytes. */
export function asBytes(text: string): string {
  return text.replace(/[\u0100-\uffff]+/g, (wide) => Buffer.from(wide, 'utf8').toString('latin1'));
}

function withoutOrigin(href: string, origin: string): string | { readonly rejected: Rejection } {
  if (href.startsWith('//')) return { rejected: 'other host' };
  if (href.startsWith(`${origin}/`)) return href.slice(origin.length);
  const scheme = SCHEME.exec(href)?.[0].toLowerCase();
  if (scheme === undefined) return href;
  return { rejected: scheme === 'http:' || scheme === 'https:' ? 'other host' : 'other scheme' };
}

/** Every byte in its canonical spelling; a slash that was percent-encoded stays `%2F`. */
function canonicalBytes(link: string): ObjectPath | { readonly rejected: Rejection } {
  let rejected: Rejection | null = null;
  const canonical = asBytes(link).replace(ENCODED_OR_NOT, (piece, hex: string | undefined) => {
    if (hex !== undefined)
      return hex.toUpperCase() === '2F' ? '%2F' : pathFromLatin1(String.fromCharCode(Number.parseInt(hex, 16)));
    if (piece === '%') rejected ??= 'bad percent-encoding';
    else if (piece === '?') rejected ??= 'query after a name';
    else if (piece === '#') rejected ??= 'fragment after a name';
    // Browsers take it for a slash, servers for a byte of a name.
    else if (piece === '\\') rejected ??= 'no file name';
    return pathFromLatin1(piece);
  });
  return rejected === null ? canonical : { rejected };
}

function childByPath(path: string, directory: string): ChildLink {
  if (path.startsWith(directory)) return childByName(path.slice(directory.length));
  const isAncestor = directory.startsWith(path.endsWith('/') ? path : `${path}/`);
  return { rejected: isAncestor ? 'parent' : 'leaves the directory' };
}

function childByName(path: string): ChildLink {
  if (path === '' || path === '.' || path === './') return { rejected: 'the directory itself' };
  if (path === '..' || path === '../') return { rejected: 'parent' };
  const segments = path.split('/');
  if (segments.includes('..')) return { rejected: 'leaves the directory' };
  const isDirectory = segments.length === 2 && segments[1] === '';
  if (segments.length > 1 && !isDirectory) return { rejected: 'not a child' };
  const name = segments[0] as string;
  if (name.includes('%2F') || name.includes('%00')) return { rejected: 'no file name' };
  const lengthBytes = name.length - 2 * (name.split('%').length - 1);
  return lengthBytes > MAX_NAME_BYTES ? { rejected: 'too long' } : { name, isDirectory };
}
