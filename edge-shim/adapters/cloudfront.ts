import cf from 'cloudfront';
import crypto from 'crypto';
import type { FunctionEvent, FunctionResponse } from '../../core/function-event.ts';
import { type Answer, answerOf } from '../answer.ts';
import { type Decision, decide, type Tables } from '../decide.ts';
import { type Digest, type EdgeRequest, readRequest } from '../request.ts';

/** The CloudFront Function (viewer-request, cloudfront-js-2.0). `bundle.ts` makes the file that is published. */

declare const FALLBACK: string;

const fallback = FALLBACK;
const store = cf.kvs();
const MOST_READS = 4;

function sha256(text: string): Digest {
  return crypto.createHash('sha256').update(text).digest();
}

function textOf(values: FunctionEvent['request']['headers'], name: string): string | undefined {
  const found = values[name];
  return found === undefined ? undefined : found.value;
}

function requestOf(event: FunctionEvent): EdgeRequest {
  const headers = event.request.headers;
  const query = event.request.querystring;
  return readRequest(
    {
      method: event.request.method,
      uri: event.request.uri,
      query: {
        mirrorlist: textOf(query, 'mirrorlist'),
        meta4: textOf(query, 'meta4'),
        country: textOf(query, 'country'),
      },
      ip: event.viewer.ip,
      country: textOf(headers, 'cloudfront-viewer-country') || '',
      subdivision: textOf(headers, 'cloudfront-viewer-country-region') || '',
      forwardedProto: textOf(headers, 'cloudfront-forwarded-proto') || '',
    },
    sha256,
  );
}

function responseOf(answer: Answer): FunctionResponse {
  const response: FunctionResponse = {
    statusCode: answer.status,
    statusDescription: answer.description,
    headers: {},
  };
  for (const name in answer.headers) {
    response.headers[name] = { value: answer.headers[name] as string };
  }
  if (answer.body !== '') {
    response.body = answer.body;
  }
  return response;
}

/** The edge calls it by this name; the bundler takes the `export` away, which the edge does not know. */
export async function handler(event: FunctionEvent): Promise<FunctionResponse> {
  let decision: Decision = { kind: 'need', key: '' };
  let request: EdgeRequest | null = null;
  try {
    request = requestOf(event);
    // Node makes a shape for each pair of keys of a plain object: in a replay those were a third of all memory.
    const tables: Tables = Object.create(null);
    const nowS = Date.now() / 1000;
    decision = decide(request, tables, nowS, fallback);
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
      decision = decide(request, tables, nowS, fallback, decision);
    }
  } catch (e) {
    decision = { kind: 'need', key: '' };
  }
  return responseOf(answerOf(decision, request, fallback));
}
