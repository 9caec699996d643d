import { STATUS_CODES } from 'node:http';
import { pathFromLatin1 } from '../../core/path-bytes.ts';
import type { Holdings } from '../../demo/holdings.ts';
import { decodeTarget } from '../../demo/request.ts';
import type { Served, ServedTree } from '../../demo/served-tree.ts';
import type { ZooTree } from './zoo-tree.ts';

const MODIFIED = '30-Jun-2026 12:34';
/** What is sent of a file's body; nobody should ask for one. */
const BODY_BYTES = 4096;

/** What a server sends: status line and headers without the empty line, and a body. One character for each byte. */
export interface WebAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: string;
}

export const NOT_FOUND = page(404, '<h1>Not found</h1>\n');

/** A page with its length told. */
export function page(status: number, body: string, headers: WebAnswer['headers'] = {}): WebAnswer {
  return { status, headers: { 'Content-Type': 'text/html', 'Content-Length': body.length, ...headers }, body };
}

/** What a mirror with the copy answers to a target as it was sent; with `indexes`, directories as nginx shows them. */
export function mirrorAnswer(zoo: ZooTree, target: string, indexes: boolean): WebAnswer {
  const decoded = decodeTarget(target);
  return decoded === null ? page(400, '<h1>Bad request</h1>\n') : answerByName(zoo, decoded, indexes);
}

/** The same for a path that was decoded already. */
export function answerByName(
  { served, holdings }: ZooTree,
  { path, hasSlash }: { readonly path: string; readonly hasSlash: boolean },
  indexes: boolean,
): WebAnswer {
  const found = served.lookup(path);
  const copy = found && holdings(path, found);
  if (!found || !copy) return NOT_FOUND;
  if (!found.isDirectory) {
    if (hasSlash) return NOT_FOUND;
    const body = '\0'.repeat(Math.min(copy.sizeBytes, BODY_BYTES));
    return { status: 200, headers: { 'Content-Length': copy.sizeBytes }, body };
  }
  if (!hasSlash) return page(301, '<h1>Moved</h1>\n', { Location: `/${pathFromLatin1(path)}/` });
  return indexes ? page(200, indexPage(served, found, holdings)) : page(200, '<h1>Welcome</h1>\n');
}

/** The answer as it goes over the wire; the body only where it was asked for. */
export function onWire({ status, headers, body }: WebAnswer, method: string): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'X'}\r\n${lines.join('')}\r\n${method === 'HEAD' ? '' : body}`;
}

function indexPage(tree: ServedTree, directory: Served, holdings: Holdings): string {
  const prefix = directory.end === '' ? '' : `${directory.end}/`;
  const lines = tree.namesIn(directory.end).flatMap((name) => {
    const child = tree.lookup(prefix + name);
    const copy = child && holdings(prefix + name, child);
    if (!child || !copy) return [];
    const slash = child.isDirectory ? '/' : '';
    const size = child.isDirectory ? '-' : copy.sizeBytes;
    return [`<a href="${pathFromLatin1(name)}${slash}">${escaped(name)}${slash}</a>  ${MODIFIED}  ${size}\n`];
  });
  const title = `Index of /${escaped(directory.end)}/`;
  return `<html>\n<head><title>${title}</title></head>\n<body>\n<h1>${title}</h1><hr><pre><a href="../">../</a>\n${lines.join('')}</pre><hr></body>\n</html>\n`;
}

function escaped(name: string): string {
  return name.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
