import type { FunctionEvent } from '../../../core/function-event.ts';

export type Scheme = 'https' | 'http';

/** Of whom CloudFront tells the function. */
export interface Viewer {
  /** ISO 3166-1, or '' where it is not known. */
  readonly country: string;
  /** The part of an ISO 3166-2 code behind the hyphen, or ''. */
  readonly subdivision: string;
  readonly scheme: Scheme;
  readonly ip: string;
}

/** The event of a viewer who asks for a path (without its leading slash); `list` asks for the candidates as a text. */
export function eventOf(viewer: Viewer, path: string, { list = false, method = 'GET' } = {}): FunctionEvent {
  const { country, subdivision, scheme, ip } = viewer;
  const headers: Record<string, { value: string }> = { 'cloudfront-forwarded-proto': { value: scheme } };
  if (country !== '') headers['cloudfront-viewer-country'] = { value: country };
  if (subdivision !== '') headers['cloudfront-viewer-country-region'] = { value: subdivision };
  return {
    version: '1.0',
    context: { eventType: 'viewer-request' },
    viewer: { ip },
    request: {
      method,
      uri: `/${path}`,
      querystring: list ? { mirrorlist: { value: '' } } : {},
      headers,
      cookies: {},
    },
  };
}
