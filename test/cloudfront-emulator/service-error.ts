/** What a call is refused with: the service's own code, HTTP status and words. */
export class ServiceError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** A call's answer before it is written as XML or JSON. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly contentType?: string;
}

/** A call as the two planes see it. */
export interface Call {
  readonly method: string;
  /** Decoded segments of the path. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly ifMatch: string | undefined;
  readonly body: Buffer;
}
