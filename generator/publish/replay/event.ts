/** What the built function is called with: the event of a CloudFront Function. */
export interface EdgeEvent {
  readonly version: '1.0';
  readonly context: { readonly eventType: 'viewer-request' };
  readonly viewer: { readonly ip: string };
  readonly request: {
    readonly method: string;
    readonly uri: string;
    readonly querystring: Readonly<Record<string, { readonly value: string }>>;
    readonly headers: Readonly<Record<string, { readonly value: string }>>;
    readonly cookies: Readonly<Record<string, never>>;
  };
}

export interface EdgeAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, { readonly value: string }>>;
  readonly body?: string;
}

/** The built function over the keys that are to be published. */
export type Answering = (event: EdgeEvent) => Promise<EdgeAnswer>;

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
export function eventOf(viewer: Viewer, path: string, { list = false, method = 'GET' } = {}): EdgeEvent {
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
