import type { Candidate } from './candidates.ts';
import type { Decision } from './decide.ts';
import type { EdgeRequest } from './request.ts';

/** What a viewer is told, before an adapter gives it its platform's form. */
export interface Answer {
  readonly status: number;
  readonly description: string;
  /** Names in lower case. Built of validated parts alone: printable ASCII. */
  readonly headers: { [name: string]: string };
  /** '' for redirects and refusals. */
  readonly body: string;
}

/** Alternatives that a redirect names, at most; old clients break at long header lines. */
const MOST_ALTERNATIVES = 3;
const MOST_LINK_CHARACTERS = 300;

/**
 * The answer to a decision. It is still a `need` where something went wrong on the way: then the fallback serves, over
 * https. `request` is null where not even that could be read.
 */
export function answerOf(decision: Decision, request: EdgeRequest | null, fallback: string): Answer {
  if (decision.kind === 'reject') {
    const isMethod = decision.status === 405;
    const refused = answer(decision.status, isMethod ? 'Method Not Allowed' : 'Bad Request', decision.reason, '');
    if (isMethod) {
      refused.headers['allow'] = 'GET, HEAD';
    }
    return refused;
  }
  if (decision.kind === 'need' || request === null) {
    const path = request === null || request.path === null ? '' : request.path;
    return redirect(fallback.replace(/^http:/, 'https:') + path, 'fallback: error');
  }
  const isFallback = decision.kind === 'fallback';
  const urls = isFallback
    ? [decision.location]
    : decision.holders.map(function (holder) {
        return (
          (decision.https ? 'https://' : 'http://') +
          holder.root +
          (holder.isAlias ? decision.aliasPath : decision.path)
        );
      });
  const reason = said(decision) + (decision.stale ? ' stale-map' : '');
  if (request.form !== 'redirect') {
    return listed(decision, request, urls, reason);
  }
  const redirected = redirect(urls[0] as string, reason);
  const link = alternatives(urls);
  if (link !== '') {
    redirected.headers['link'] = link;
  }
  return redirected;
}

type Found = Exclude<Decision, { kind: 'need' | 'reject' }>;

function said(decision: Found): string {
  if (decision.kind === 'fallback') {
    return 'fallback: ' + decision.reason;
  }
  const holder = decision.holders[0] as Candidate;
  const place = 'region=' + decision.region + ' tier=' + holder.tier + ' ap=' + holder.accessPoint;
  return place + ' reason=' + decision.reason;
}

function answer(status: number, description: string, reason: string, body: string): Answer {
  const headers = { 'cache-control': 'private, no-store', 'x-redirector': reason };
  return { status: status, description: description, headers: headers, body: body };
}

function redirect(location: string, reason: string): Answer {
  const redirected = answer(302, 'Found', reason, '');
  redirected.headers['location'] = location;
  return redirected;
}

/** RFC 6249: duplicates with their priority; the redirect's own target is the first. */
function alternatives(urls: readonly string[]): string {
  let link = '';
  for (let i = 1; i < urls.length && i <= MOST_ALTERNATIVES; i++) {
    const next = link + (link === '' ? '' : ', ') + '<' + urls[i] + '>; rel=duplicate; pri=' + (i + 1);
    if (next.length > MOST_LINK_CHARACTERS) {
      break;
    }
    link = next;
  }
  return link;
}

function listed(decision: Found, request: EdgeRequest, urls: readonly string[], reason: string): Answer {
  let type = 'text/plain; charset=utf-8';
  let body: string;
  if (request.form === 'json') {
    type = 'application/json';
    body = asJson(decision, urls, reason);
  } else if (request.form === 'meta4') {
    type = 'application/metalink4+xml';
    body = asMetalink(request, urls);
  } else {
    body = asText(decision, urls, reason);
  }
  const list = answer(200, 'OK', reason, body);
  list.headers['content-type'] = type;
  return list;
}

function asText(decision: Found, urls: readonly string[], reason: string): string {
  return decision.leftOut.reduce(
    function (text, candidate) {
      return text + '# ' + candidate.root + ': ' + candidate.whyNot + '\n';
    },
    '# ' + reason + '\n' + urls.join('\n') + '\n',
  );
}

function asJson(decision: Found, urls: readonly string[], reason: string): string {
  return JSON.stringify({
    reason: reason,
    builtAtS: decision.kind === 'redirect' ? decision.builtAtS : null,
    candidates: urls.map(function (url, i) {
      const holder = decision.kind === 'redirect' ? (decision.holders[i] as Candidate) : null;
      return holder === null
        ? { url: url }
        : { url: url, accessPoint: holder.accessPoint, tier: holder.tier, weight: holder.weight };
    }),
    excluded: decision.leftOut.map(function (candidate) {
      return { url: candidate.root, accessPoint: candidate.accessPoint, reason: candidate.whyNot };
    }),
  });
}

/** RFC 5854. A name that is not harmless as a file's stays percent-encoded, and so leads a client nowhere else. */
function asMetalink(request: EdgeRequest, urls: readonly string[]): string {
  const encoded = (request.path as string).replace(/\/(?!\n)$/, '').replace(/^.*\//, '') || 'index';
  const plain = encoded
    .replace(/%2B/g, '+')
    .replace(/%40/g, '@')
    .replace(/%3A/g, ':')
    .replace(/%2C/g, ',')
    .replace(/%21/g, '!');
  const name = plain.indexOf('%') < 0 ? plain : encoded;
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n<metalink xmlns="urn:ietf:params:xml:ns:metalink">\n<file name="' +
    name +
    '">\n' +
    urls
      .map(function (url, i) {
        return '<url priority="' + (i + 1) + '">' + url.replace(/&/g, '&amp;') + '</url>\n';
      })
      .join('') +
    '</file>\n</metalink>\n'
  );
}
