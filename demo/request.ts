/** What is used of an HTTP/1 request. */
export interface Request {
  readonly method: string;
  /** As sent, still percent-encoded, without scheme, host and query. */
  readonly target: string;
  /** The connection is to be closed after the answer (RFC 9112, 9.3). */
  readonly isLast: boolean;
}

const REQUEST_LINE = /^([A-Z]{1,20}) (?:https?:\/\/[^/?\s]*)?(\/[^?\s]*|\*)(?:\?\S*)? HTTP\/1\.([01])$/;
const CLOSE = /\r\nconnection: *close/i;
const KEEP_ALIVE = /\r\nconnection: *keep-alive/i;
const BODY = /\r\n(?:content-length: *0*[1-9]|transfer-encoding:)/i;

/** Reads a request's head (without its empty line); null where it is none, or brings a body. */
export function parseRequest(head: string): Request | null {
  const lineEnd = head.indexOf('\r\n');
  const match = REQUEST_LINE.exec(lineEnd < 0 ? head : head.slice(0, lineEnd));
  if (match === null || BODY.test(head)) return null;
  const [, method, target, minor] = match as unknown as [string, string, string, string];
  return { method, target, isLast: minor === '1' ? CLOSE.test(head) : !KEEP_ALIVE.test(head) };
}

/**
 * The bytes a request's path names, one character for each (`latin1`), percent-decoded once, with one slash between
 * segments and `.` and `..` resolved (RFC 3986, 5.2.4); null for a bad `%` or a NUL.
 */
export function decodeTarget(target: string): { readonly path: string; readonly hasSlash: boolean } | null {
  if (/%(?![0-9a-f]{2})/i.test(target)) return null;
  const bytes = target.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  if (bytes.includes('\0')) return null;
  const kept: string[] = [];
  const segments = bytes.split('/');
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return { path: kept.join('/'), hasSlash: /^\.{0,2}$/.test(segments[segments.length - 1] as string) };
}
