import cf from 'cloudfront';
import crypto from 'crypto';
import { type Decision, decide, type Tables } from '../decide.ts';
import { type Digest, readRequest } from '../request.ts';

/** The CloudFront Function (viewer-request, cloudfront-js-2.0). `bundle.ts` makes the file that is published. */

declare const FALLBACK: string;

/** https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html */
interface FunctionEvent {
  readonly viewer: { readonly ip: string };
  readonly request: {
    readonly method: string;
    readonly uri: string;
    readonly headers: { readonly [name: string]: { readonly value: string } | undefined };
  };
}

interface FunctionResponse {
  statusCode: number;
  statusDescription: string;
  headers: { [name: string]: { value: string } };
}

const store = cf.kvs();
const MOST_READS = 4;

function sha256(text: string): Digest {
  return crypto.createHash('sha256').update(text).digest();
}

function header(event: FunctionEvent, name: string): string {
  const found = event.request.headers[name];
  return found === undefined ? '' : found.value;
}

function answer(status: number, description: string, reason: string): FunctionResponse {
  return {
    statusCode: status,
    statusDescription: description,
    headers: { 'cache-control': { value: 'private, no-store' }, 'x-redirector': { value: reason } },
  };
}

function respond(decision: Decision): FunctionResponse {
  if (decision.kind === 'redirect') {
    const stale = decision.stale ? ' stale-map' : '';
    const reason = 'region=' + decision.region + ' tier=' + decision.tier + ' ap=' + decision.accessPoint + stale;
    const response = answer(302, 'Found', reason);
    response.headers['location'] = { value: decision.location };
    return response;
  }
  if (decision.kind === 'reject') {
    const response = answer(
      decision.status,
      decision.status === 405 ? 'Method Not Allowed' : 'Bad Request',
      decision.reason,
    );
    if (decision.status === 405) {
      response.headers['allow'] = { value: 'GET, HEAD' };
    }
    return response;
  }
  const response = answer(302, 'Found', 'fallback: ' + (decision.kind === 'fallback' ? decision.reason : 'error'));
  // After an exception nothing is known of the viewer, so https: it may have asked over it.
  const location = decision.kind === 'fallback' ? decision.location : FALLBACK.replace(/^http:/, 'https:');
  response.headers['location'] = { value: location };
  return response;
}

/** The edge calls it by this name; the bundler takes the `export` away, which the edge does not know. */
export async function handler(event: FunctionEvent): Promise<FunctionResponse> {
  let decision: Decision = { kind: 'need', key: '' };
  try {
    const request = readRequest(
      {
        method: event.request.method,
        uri: event.request.uri,
        ip: event.viewer.ip,
        country: header(event, 'cloudfront-viewer-country'),
        forwardedProto: header(event, 'cloudfront-forwarded-proto'),
      },
      sha256,
    );
    const tables: Tables = {};
    const nowS = Date.now() / 1000;
    decision = decide(request, tables, nowS, FALLBACK);
    for (let reads = 0; decision.kind === 'need' && reads < MOST_READS; reads++) {
      const key: string = decision.key;
      let value: string | null = null;
      try {
        value = await store.get(key);
      } catch (e) {
        // KeyNotFound, also for a moment while a new value spreads: never an error.
        value = null;
      }
      tables[key] = value;
      decision = decide(request, tables, nowS, FALLBACK);
    }
  } catch (e) {
    decision = { kind: 'need', key: '' };
  }
  return respond(decision);
}
