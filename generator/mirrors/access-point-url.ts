import { PROTOCOLS, type Protocol } from '../../core/mirror.ts';

/** What anybody may read from without a login. */
const OPEN_PROTOCOLS: readonly Protocol[] = PROTOCOLS.filter((protocol) => protocol !== 'sftp');

export interface AccessPointUrl {
  readonly protocol: Protocol;
  /** Lower case; an IPv6 literal is in brackets. */
  readonly host: string;
  /** '' = the protocol's own. */
  readonly port: string;
  /** From the first slash to the last one, percent-encoding as it was written. */
  readonly path: string;
  /** All of it: absolute, printable ASCII, with a trailing slash, without a default port. */
  readonly url: string;
}

const DEFAULT_PORTS: Readonly<Record<Protocol, string>> = {
  https: '443',
  http: '80',
  rsync: '873',
  ftp: '21',
  sftp: '22',
};
const MAX_CHARACTERS = 1000;
// RFC 3986: scheme, authority, path; queries and fragments have no place in a root.
const PARTS = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(.*)$/s;
const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{0,5}))?$/;
// RFC 3986, 3.3: pchar and "/".
const PATH = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$/;

/**
 * Reads the root URL of an access point, so that an object's path can be put behind it and the whole into a header.
 * Where that can't be, the answer is the reason, as a phrase after the URL. `protocols`: those that are allowed.
 */
export function parseAccessPointUrl(text: string, protocols = OPEN_PROTOCOLS): AccessPointUrl | string {
  if (text.length > MAX_CHARACTERS) return `is longer than ${MAX_CHARACTERS} characters`;
  if (text === '') return 'is empty';
  if (!/^[\x21-\x7e]+$/.test(text)) return 'holds characters that a URL may not hold';
  const parts = PARTS.exec(text);
  if (parts === null) return 'is no absolute URL';
  const [, scheme, authority, path, rest] = parts as unknown as [string, string, string, string, string];
  const protocol = protocols.find((known) => known === scheme.toLowerCase());
  if (protocol === undefined) return `has a protocol that is not supported (only ${protocols.join(', ')})`;
  if (authority.includes('@')) return 'holds credentials';
  if (rest !== '') return 'holds a query or a fragment';
  if (!PATH.test(path)) return 'has a path that a URL may not have';
  if (/\/\.{1,2}(?:\/|$)/.test(path.replace(/%2e/gi, '.'))) return 'has "." or ".." in its path';
  if (protocol === 'rsync' && /^\/*$/.test(path)) return 'names no rsync module';
  const site = parseAuthority(authority);
  if (site === null) return 'has no valid host';
  const port = site.port === DEFAULT_PORTS[protocol] ? '' : site.port;
  const root = path.endsWith('/') ? path : `${path}/`;
  const url = `${protocol}://${site.host}${port === '' ? '' : `:${port}`}${root}`;
  return { protocol, host: site.host, port, path: root, url };
}

function parseAuthority(authority: string): { host: string; port: string } | null {
  const match = AUTHORITY.exec(authority);
  if (match === null) return null;
  const port = match[2] === undefined || match[2] === '' ? '' : String(Number(match[2]));
  if (port !== '' && (Number(port) < 1 || Number(port) > 65_535)) return null;
  const written = match[1] as string;
  const labels = written.startsWith('[') ? [] : written.split('.');
  if (
    written.length > 253 ||
    labels.some((label) => !/^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label))
  ) {
    return null;
  }
  try {
    // Lower case, shortest IPv6, IPv4 in four decimal parts: one spelling for each host.
    return { host: new URL(`http://${written}/`).hostname, port };
  } catch {
    return null;
  }
}
