import crypto from 'crypto';
import { type Answer, answerOf } from './answer.ts';
import { type Decision, decide, type Tables } from './decide.ts';
import { type Digest, type EdgeRequest, readRequest, type ViewerEvent } from './request.ts';

/** The edge's keys where they lie in memory; undefined = there is no such key. */
export type Lookup = (key: string) => string | undefined;

const MOST_READS = 4;

function sha256(text: string): Digest {
  return crypto.createHash('sha256').update(text).digest();
}

/** The answer over keys in memory. Never throws: what goes wrong leads to the fallback. */
export function answerFrom(lookup: Lookup, event: ViewerEvent, nowS: number, fallback: string): Answer {
  let decision: Decision = { kind: 'need', key: '' };
  let request: EdgeRequest | null = null;
  try {
    request = readRequest(event, sha256);
    const tables: Tables = {};
    decision = decide(request, tables, nowS, fallback);
    for (let reads = 0; decision.kind === 'need' && reads < MOST_READS; reads++) {
      const value = lookup(decision.key);
      tables[decision.key] = value === undefined ? null : value;
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

/** A request target's path and query. */
export function splitTarget(target: string): { path: string; query: { [name: string]: string | undefined } } {
  const at = target.indexOf('?');
  return at < 0 ? { path: target, query: {} } : { path: target.slice(0, at), query: queryOf(target.slice(at + 1)) };
}
