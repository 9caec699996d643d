/**
 * What CloudFront asks, in US dollars ("Amazon CloudFront pricing", pay as you go, November 2026). Requests are priced by
 * the edge's region: these are Europe's; North America asks 1.00 for a million, South America 2.20.
 */
export const CLOUDFRONT_PRICES_USD = {
  millionHttpsRequests: 1.2,
  millionFunctionCalls: 0.1,
  /** Keys that the function reads. */
  millionKeyReads: 0.03,
  /** To viewers, the first 10 TB. */
  gigabyteOut: 0.085,
  /** A call of the KeyValueStore's own interface (describe, list, update). All other calls are free. */
  keyCall: 0.001,
  /** A path of an invalidation, after the first 1,000 of a month; `/folder/*` is one. */
  invalidationPath: 0.005,
} as const;

/** What an account has free in each month. */
export const CLOUDFRONT_FREE = {
  requests: 10_000_000,
  functionCalls: 2_000_000,
  keyReads: 2_000_000,
  gigabytesOut: 1_000,
} as const;
