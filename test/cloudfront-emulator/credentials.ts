import type { IncomingHttpHeaders } from 'node:http';
import { ServiceError } from './service-error.ts';

/** What the service knows of an access key. Signatures themselves are not worked out again. */
export interface Credentials {
  readonly state: 'valid' | 'expired' | 'wrongSecret';
  /** Actions that its policy lacks. */
  readonly denied?: ReadonlySet<string>;
}

const FORMS = {
  control: /^AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)\/\d{8}\/us-east-1\/cloudfront\/aws4_request, /,
  data: /^AWS4-ECDSA-P256-SHA256 Credential=([A-Z0-9]+)\/\d{8}\/cloudfront-keyvaluestore\/aws4_request, /,
} as const;
const MOST_SKEW_MS = 300_000;

/** The codes of the two planes for the same reason. */
const CODES = {
  control: {
    unknown: 'InvalidClientTokenId',
    signature: 'SignatureDoesNotMatch',
    expired: 'ExpiredToken',
    denied: 'AccessDenied',
  },
  data: {
    unknown: 'UnrecognizedClientException',
    signature: 'InvalidSignatureException',
    expired: 'ExpiredTokenException',
    denied: 'AccessDeniedException',
  },
} as const;

/**
 * Refuses, as the service does, a call that is not signed the plane's way, by an unknown key, at a wrong time, with an
 * expired session, or for an action that is not allowed. Throws ServiceError.
 */
export function checkSignature(
  headers: IncomingHttpHeaders,
  plane: 'control' | 'data',
  action: string,
  known: ReadonlyMap<string, Credentials>,
  nowMs: number,
): void {
  const codes = CODES[plane];
  const keyId = FORMS[plane].exec(headers.authorization ?? '')?.[1];
  if (keyId === undefined || (plane === 'data' && headers['x-amz-region-set'] !== '*')) {
    throw new ServiceError(403, codes.signature, 'The request is not signed as this API wants it.');
  }
  const signedAt = String(headers['x-amz-date']);
  const signedAtMs = Date.parse(signedAt.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(signedAtMs - nowMs) <= MOST_SKEW_MS)) {
    throw new ServiceError(403, codes.signature, `Signature expired: ${signedAt} is now earlier than the oldest time`);
  }
  if (known.size === 0) return;
  const credentials = known.get(keyId);
  if (credentials === undefined) {
    throw new ServiceError(403, codes.unknown, 'The security token included in the request is invalid.');
  }
  if (credentials.state === 'expired') {
    throw new ServiceError(403, codes.expired, 'The security token included in the request is expired');
  }
  if (credentials.state === 'wrongSecret') {
    throw new ServiceError(
      403,
      codes.signature,
      'The request signature we calculated does not match the signature you provided.',
    );
  }
  if (credentials.denied?.has(action)) {
    const service = plane === 'data' ? 'cloudfront-keyvaluestore' : 'cloudfront';
    throw new ServiceError(
      403,
      codes.denied,
      `User: arn:aws:sts::123456789012:assumed-role/x/y is not authorized to perform: ${service}:${action}`,
    );
  }
}
