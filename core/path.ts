/**
 * The one spelling of an object's path. A name is bytes; here it is written as a URL path (RFC 3986): every byte but
 * the unreserved ones (`A-Z a-z 0-9 - . _ ~`) and the `/` between segments is `%XX` in upper-case hex. So a path is
 * printable ASCII, two spellings of the same bytes are one path, and no name can carry a control character anywhere.
 * No leading slash; a directory's path in the inventory has no trailing slash; the root is the empty path.
 *
 * This file runs at the edge too: only what cloudfront-js-2.0 has (no Buffer, no for-of, no spread, no destructuring).
 */
export type ObjectPath = string;

/** For njs, which is PCRE, a `$` alone stands before a last line break too. */
const CANONICAL = /^[A-Za-z0-9._~/-]*(?!\n)$/;
/** Of what encodeURIComponent makes of a path: the percent signs that were there, the slashes, and what it leaves. */
const PIECES = /%25([0-9A-Fa-f]{2})?|%2F|[!'()*]/g;
const UNRESERVED = /[A-Za-z0-9._~-]/;

function canonicalPiece(piece: string, hex: string | undefined): string {
  if (piece === '%2F') {
    return '/';
  }
  if (piece.charAt(0) !== '%') {
    return '%' + piece.charCodeAt(0).toString(16).toUpperCase();
  }
  if (!hex) {
    throw new URIError('a percent sign without two hex digits');
  }
  const character = String.fromCharCode(parseInt(hex, 16));
  return UNRESERVED.test(character) ? character : '%' + hex.toUpperCase();
}

/**
 * The canonical form of a request's path (without query), or null where it names no bytes (a bad `%`, a lone
 * surrogate). Empty and `.` segments go, `..` takes the segment before it and stops at the root (RFC 3986, 5.2.4);
 * `%2F` stays: it is a byte of a name, never a separator. A trailing slash stays: it asks for a directory.
 */
export function canonicalRequestPath(uri: string): ObjectPath | null {
  let encoded = uri;
  if (!CANONICAL.test(uri)) {
    try {
      // ASCII first: njs' replace never ends on a text of more than 32 characters that is not.
      encoded = encodeURIComponent(uri).replace(PIECES, canonicalPiece);
    } catch (e) {
      return null;
    }
  }
  if (encoded.charAt(0) === '/') {
    encoded = encoded.slice(1);
  }
  return encoded.indexOf('//') < 0 &&
    encoded.charAt(0) !== '/' &&
    encoded.charAt(0) !== '.' &&
    encoded.indexOf('/.') < 0
    ? encoded
    : withoutDotSegments(encoded);
}

function withoutDotSegments(path: string): string {
  const segments = path.split('/');
  const last = segments[segments.length - 1];
  const kept: string[] = [];
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i] as string;
    if (segment === '..') {
      kept.pop();
    } else if (segment !== '' && segment !== '.') {
      kept.push(segment);
    }
  }
  const isDirectory = last === '' || last === '.' || last === '..';
  return kept.join('/') + (isDirectory && kept.length > 0 ? '/' : '');
}
