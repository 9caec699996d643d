import { pathFromLatin1 } from '../core/path-bytes.ts';
import type { Copy, Holdings } from './holdings.ts';
import { decodeTarget } from './request.ts';
import type { Served, ServedTree } from './served-tree.ts';

/** An answer to GET; for HEAD only `head` is sent. */
export interface Reply {
  /** Status line and headers without Date, each with its line end, without the empty line. */
  readonly head: string;
  readonly body: string | FileBody;
}

/** The first bytes of a file. */
export interface FileBody {
  readonly folder: string;
  /** Below the folder; one character for each byte. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** Answers a request's target as it was sent. */
export type Responder = (target: string) => Reply;

/** Serves what a mirror holds of a tree below `base` (with a slash at both ends), listings included. */
export function treeResponder(tree: ServedTree, base: string, holdings: Holdings): Responder {
  const listings = new Map<string, string>();
  const listing = (served: Served): string => {
    const known = listings.get(served.end) ?? listingPage(tree, served.end, holdings);
    listings.set(served.end, known);
    return known;
  };
  return (target) => {
    if (!target.startsWith(base)) return target === base.slice(0, -1) ? redirect(base) : NOT_FOUND;
    const quick = tree.byRequest(target.slice(base.length));
    const decoded = quick === undefined ? decodeTarget(target.slice(base.length - 1)) : null;
    if (quick === undefined && decoded === null) return BAD_REQUEST;
    const path = quick?.path ?? (decoded?.path as string);
    const served = quick?.served ?? tree.lookup(path);
    const copy = served && holdings(path, served);
    if (!served || !copy) return NOT_FOUND;
    if (!served.isDirectory) return decoded?.hasSlash ? NOT_FOUND : fileReply(tree, served, copy);
    if (decoded !== null && !decoded.hasSlash) return redirect(`${base}${pathFromLatin1(path)}/`);
    return htmlReply('200 OK', listing(served));
  };
}

function fileReply(tree: ServedTree, served: Served, { sizeBytes, lastModified, text }: Copy): Reply {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${sizeBytes}\r\nLast-Modified: ${lastModified}\r\n`;
  if (text !== undefined) return { head, body: text };
  return { head, body: { folder: tree.folder, path: served.end, sizeBytes } };
}

export function htmlReply(status: string, page: string): Reply {
  const lengthBytes = Buffer.byteLength(page, 'latin1');
  return {
    head: `HTTP/1.1 ${status}\r\nContent-Type: text/html\r\nContent-Length: ${lengthBytes}\r\n`,
    body: page,
  };
}

function redirect(to: string): Reply {
  const { head, body } = htmlReply('301 Moved Permanently', '<h1>Moved</h1>\n');
  return { head: `${head}Location: ${to}\r\n`, body };
}

export const NOT_FOUND = htmlReply('404 Not Found', '<h1>Not found</h1>\n');
export const BAD_REQUEST = htmlReply('400 Bad Request', '<h1>Bad request</h1>\n');
export const FORBIDDEN = htmlReply('403 Forbidden', '<h1>Forbidden</h1>\n');
export const METHOD_NOT_ALLOWED = htmlReply('405 Method Not Allowed', '<h1>Only GET and HEAD</h1>\n');

/** A page for everything that is not there, and no word of it in the status: what checkers must see through. */
export function softNotFound(responder: Responder): Responder {
  const page = htmlReply('200 OK', '<h1>Welcome!</h1>\n<p>Sorry, we have moved. Try our search.</p>\n');
  return (target) => {
    const reply = responder(target);
    return reply === NOT_FOUND ? page : reply;
  };
}

/** In the shape of nginx's autoindex, with exact sizes. */
function listingPage(tree: ServedTree, directory: string, holdings: Holdings): string {
  const lines = tree.namesIn(directory).flatMap((name) => {
    const path = directory === '' ? name : `${directory}/${name}`;
    const child = tree.lookup(path);
    const copy = child && holdings(path, child);
    if (!child || !copy) return [];
    const slash = child.isDirectory ? '/' : '';
    const size = child.isDirectory ? '-' : copy.sizeBytes;
    return [`<a href="${pathFromLatin1(name)}${slash}">${escaped(name)}${slash}</a>  ${copy.lastModified}  ${size}\n`];
  });
  const title = `Index of /${escaped(directory)}`;
  return `<html><head><title>${title}</title></head><body><h1>${title}</h1><pre><a href="../">../</a>\n${lines.join('')}</pre></body></html>\n`;
}

function escaped(name: string): string {
  return name.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
