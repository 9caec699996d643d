/**
 * What the built function is called with: the event of a CloudFront Function at a viewer's request.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
 */
export interface FunctionEvent {
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

/** What it answers. */
export interface FunctionResponse {
  statusCode: number;
  statusDescription: string;
  headers: Record<string, { value: string }>;
  body?: string;
}

/** The built function over some keys. */
export type BuiltFunction = (event: FunctionEvent) => Promise<FunctionResponse>;
