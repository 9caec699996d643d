import crypto from 'crypto';
import { answerFrom, splitTarget } from '../in-memory.ts';
import type { Digest } from '../request.ts';

/**
 * The content handler of nginx with njs (`js_content`), over keys that the configuration preloads: a new build is taken
 * over by `nginx -s reload`, which drops no request. Which address the viewer has is nginx' matter (`set_real_ip_from`).
 */

declare const FALLBACK: string;
/** `js_preload_object`. */
declare const redirectorKeys: { readonly data: { readonly [key: string]: string | undefined } };

/** http://nginx.org/en/docs/njs/reference.html#http */
interface NginxRequest {
  readonly method: string;
  readonly remoteAddress: string;
  readonly variables: { readonly [name: string]: string | undefined };
  readonly headersOut: { [name: string]: string };
  status: number;
  sendHeader(): void;
  send(text: string): void;
  finish(): void;
}

function sha256(text: string): Digest {
  return crypto.createHash('sha256').update(text).digest();
}

function variable(r: NginxRequest, name: string): string {
  return r.variables[name] || '';
}

function redirect(r: NginxRequest): void {
  const target = splitTarget(variable(r, 'request_uri'));
  const answer = answerFrom(
    // What is preloaded cannot be written to.
    Object.create(redirectorKeys.data),
    {
      method: r.method,
      uri: target.path,
      query: target.query,
      ip: r.remoteAddress,
      country: variable(r, 'redirector_country'),
      subdivision: variable(r, 'redirector_subdivision'),
      forwardedProto: variable(r, 'redirector_scheme'),
    },
    Date.now() / 1000,
    FALLBACK,
    sha256,
  );
  r.status = answer.status;
  for (const name in answer.headers) {
    r.headersOut[name] = answer.headers[name] as string;
  }
  r.headersOut['Content-Length'] = String(answer.body.length);
  r.sendHeader();
  if (answer.body !== '' && r.method !== 'HEAD') {
    r.send(answer.body);
  }
  r.finish();
}

export default { redirect: redirect };
