/** CloudFront's own region; edges have none. */
export const REGION = 'us-east-1';

export interface ClientOptions {
  /** Instead of AWS itself; without it, what the environment says (`AWS_ENDPOINT_URL_…`). */
  readonly endpoint?: string;
  /** Instead of the SDK's chain: environment, profile, role. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Of one call, with growing pauses between (throttling, faults of the service, lost connections). */
  readonly maxAttempts: number;
  readonly timeoutMs: number;
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
