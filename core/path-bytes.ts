import type { ObjectPath } from './path.ts';

const UNRESERVED_OR_SLASH = /^[A-Za-z0-9._~/-]*$/;
const ENCODED = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return UNRESERVED_OR_SLASH.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
});
const NEEDS_ENCODING = /[^A-Za-z0-9._~/-]/g;

/** The canonical path of a name given as a string with one character for each byte (Node's `latin1`). */
export function pathFromLatin1(name: string): ObjectPath {
  return UNRESERVED_OR_SLASH.test(name)
    ? name
    : name.replace(NEEDS_ENCODING, (character) => ENCODED[character.charCodeAt(0)] as string);
}

/** The canonical path of a name's bytes. */
export function pathFromBytes(bytes: Uint8Array): ObjectPath {
  return pathFromLatin1(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'));
}

/** The bytes a canonical path names. */
export function pathToBytes(path: ObjectPath): Buffer {
  const latin1 = path.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(latin1, 'latin1');
}

const UNSAFE_TO_SHOW = /[\p{C}\p{Zl}\p{Zp}\ufffd]/u;

/**
 * A path as a person would write it, where that is one harmless line of UTF-8; otherwise as it is, percent-encoded.
 * Safe for a terminal; a page still escapes it.
 */
export function shownPath(path: ObjectPath): string {
  if (!path.includes('%')) return path;
  const text = pathToBytes(path).toString('utf8');
  return UNSAFE_TO_SHOW.test(text) ? path : text;
}
