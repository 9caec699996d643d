import type { AgentOptions } from 'node:http';

/** CloudFront's own region; edges have none. */
const REGION = 'us-east-1';

export interface ClientOptions {
  /** Instead of AWS itself; without it, what the environment says (`AWS_ENDPOINT_URL_…`). */
  readonly endpoint?: string;
  /** Instead of the SDK's chain: environment, profile, role. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Of one call, with growing pauses between (throttling, faults of the service, lost connections). */
  readonly maxAttempts: number;
  readonly timeoutMs: number;
}

/** What either client is made of; `httpAgent` holds options of Node's agent for its connections. */
export function clientConfig(
  { endpoint, credentials, maxAttempts, timeoutMs }: ClientOptions,
  httpAgent: AgentOptions = {},
) {
  return {
    region: REGION,
    maxAttempts,
    requestHandler: {
      connectionTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
      httpAgent,
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

/** The part of a client's middleware stack that is used; both clients' fit. */
interface Stack {
  add(
    // biome-ignore lint/suspicious/noExplicitAny: the stack's own types name each client's commands
    middleware: (next: (args: any) => Promise<any>) => (args: any) => Promise<any>,
    options: { step: 'finalizeRequest'; priority: 'low'; name: string },
  ): void;
}

/** Counts every request that a client sends, each attempt of one. */
export function countCalls(stack: Stack): () => number {
  let calls = 0;
  stack.add(
    (next) => (args) => {
      calls++;
      return next(args);
    },
    { step: 'finalizeRequest', priority: 'low', name: 'countCalls' },
  );
  return () => calls;
}
