import { type Answer, answerOf } from './answer.ts';
import { type Decision, decide, type Tables } from './decide.ts';
import { type Digest, type EdgeRequest, readRequest, type ViewerEvent } from './request.ts';

const MOST_READS = 4;

/**
 * The answer over all keys of a build in memory; which of those that are asked for it lacks is noted in `tables`, for
 * the next request. Never throws: what goes wrong leads to the fallback.
 */
export function answerFrom(
  tables: Tables,
  event: ViewerEvent,
  nowS: number,
  fallback: string,
  sha256: (text: string) => Digest,
): Answer {
  let decision: Decision = { kind: 'need', key: '' };
  let request: EdgeRequest | null = null;
  try {
    request = readRequest(event, sha256);
    decision = decide(request, tables, nowS, fallback);
    for (let reads = 0; decision.kind === 'need' && reads < MOST_READS; reads++) {
      tables[decision.key] = null;
      decision = decide(request, tables, nowS, fallback, decision);
    }
  } catch (e) {
    decision = { kind: 'need', key: '' };
  }
  return answerOf(decision, request, fallback);
}

/** What the edge reads of a query: the first of each name, as it was sent. */
export function queryOf(text: string): { [name: string]: string | undefined } {
  const query: { [name: string]: string | undefined } = {};
  const pairs = text.split('&');
  for (let i = 0; i < pairs.length; i++) {
    const pair = pairs[i] as string;
    const at = pair.indexOf('=');
    const name = at < 0 ? pair : pair.slice(0, at);
    if ((name === 'mirrorlist' || name === 'meta4' || name === 'country') && query[name] === undefined) {
      query[name] = at < 0 ? '' : pair.slice(at + 1);
    }
  }
  return query;
}

/** A request target's path and query. In its absolute form (RFC 9112, 3.2.2) the scheme and the host are left out. */
export function splitTarget(target: string): { path: string; query: { [name: string]: string | undefined } } {
  const own = target.replace(/^https?:\/\/[^/?]*/i, '');
  const at = own.indexOf('?');
  return at < 0 ? { path: own, query: {} } : { path: own.slice(0, at), query: queryOf(own.slice(at + 1)) };
}
