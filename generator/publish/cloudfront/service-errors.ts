import { messageOf, quoted, RunError, UsageError } from '../../../core/errors.ts';

/** What the service refused, as a sentence for a person; `code` is its own word for it. */
export class ServiceFault extends RunError {
  override name = 'ServiceFault';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The store was changed by somebody else since it was read. */
export const STALE = 'StaleETag';

interface SdkError {
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const NO_CREDENTIALS =
  'no AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role is given';

/** Sentences by the service's code; the texts of the service itself may repeat what was signed, so they stay out. */
const SENTENCES: readonly (readonly [code: RegExp, sentence: string])[] = [
  [
    /^(InvalidClientTokenId|UnrecognizedClientException)$/,
    'AWS does not know the access key: it was mistyped, deleted or deactivated',
  ],
  [
    /^(ExpiredToken|ExpiredTokenException|RequestExpired|TokenRefreshRequired)$/,
    'the AWS session has expired: take the role again, then repeat the command',
  ],
  [
    /^(RequestTimeTooSkewed|RequestInTheFuture)$/,
    "this machine's clock is wrong by more than five minutes: set it (timedatectl), then repeat the command",
  ],
  [
    /^(SignatureDoesNotMatch|InvalidSignatureException|IncompleteSignature)$/,
    'the AWS secret key does not belong to the access key',
  ],
  [
    /^(Throttling|ThrottlingException|TooManyRequestsException|RequestLimitExceeded)$/,
    'CloudFront keeps saying that it is asked too often; what was done is kept, repeat the command later',
  ],
  [
    /^(InternalServer|InternalServerException|ServiceUnavailable|InternalFailure)/,
    'CloudFront itself has a fault; what was done is kept, repeat the command later',
  ],
  [
    /^NoSuchDistribution$/,
    'there is no such distribution in this account; correct "distribution" in the configuration',
  ],
  [
    /^(EntityLimitExceeded|TooManyFunctions)$/,
    'the account has as many of these as it may have: remove one, or ask AWS for more',
  ],
  [/^FunctionSizeLimitExceeded$/, 'the function is larger than CloudFront takes'],
];
const UNREACHABLE =
  /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|TimeoutError)$/;

/**
 * What the SDK threw, for a person. `subject` says what was asked of which thing: `the store "redirector"`. Answers a
 * UsageError where no credentials are configured, else a ServiceFault. Nothing secret gets into the sentence.
 */
export function translated(error: unknown, subject: string): Error {
  const { name = '', code = '', message = '', $metadata } = error as SdkError;
  if (error instanceof RunError || error instanceof UsageError) return error;
  if (name === 'AbortError') return new ServiceFault('AbortError', 'interrupted; what was done is kept');
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') return new UsageError(NO_CREDENTIALS);
  // "Pre-Condition failed during update of Key-Value-Store", as a ValidationException: so it is in reality.
  const isStale = /pre-?condition failed/i.test(message) || name === 'ConflictException';
  if (isStale) return new ServiceFault(STALE, `${subject} is being changed by somebody else; repeat the command`);
  if (/signature (?:expired|not yet current)/i.test(message))
    return translated({ name: 'RequestTimeTooSkewed' }, subject);
  if (/^(AccessDenied|AccessDeniedException|NotAuthorized)$/.test(name))
    return new ServiceFault(name, denied(message, subject));
  if (name === 'ServiceQuotaExceededException') {
    return new ServiceFault(
      name,
      `${subject} is full, or a key too large for it (${quoted(message, 120)}); the old keys stay in force`,
    );
  }
  if (UNREACHABLE.test(code) || UNREACHABLE.test(name)) {
    return new ServiceFault(
      code || name,
      `${subject}: CloudFront cannot be reached from here (${code || name}); repeat the command`,
    );
  }
  const sentence = SENTENCES.find(([pattern]) => pattern.test(name))?.[1];
  if (sentence !== undefined) return new ServiceFault(name, `${subject}: ${sentence}`);
  const status = $metadata?.httpStatusCode === undefined ? '' : ` with status ${$metadata.httpStatusCode}`;
  return new ServiceFault(
    name,
    `${subject}: CloudFront refused${status}: ${quoted(withoutSecrets(`${name} ${messageOf(error)}`))}`,
  );
}

/** What a request answers; rejects with `translated` where it fails. */
export async function translating<T>(request: Promise<T>, subject: string): Promise<T> {
  try {
    return await request;
  } catch (error) {
    throw translated(error, subject);
  }
}

function denied(message: string, subject: string): string {
  const action = /\b(cloudfront|cloudfront-keyvaluestore):[A-Za-z]+/.exec(message)?.[0];
  const right = action === undefined ? 'what was asked' : action;
  return `${subject}: the AWS role lacks the right to ${right}; edge-shim/deploy/template.yaml shows all that publishing needs`;
}

/** Keys, tokens and signatures are long words without blanks; a word of our own never is. */
function withoutSecrets(text: string): string {
  return text.replace(/\b(?:AKIA|ASIA)[A-Z0-9]+\b|[A-Za-z0-9+/=_-]{32,}/g, '…');
}
