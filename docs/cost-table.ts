import { CLOUDFRONT_FREE, CLOUDFRONT_PRICES_USD } from '../core/cloudfront-prices.ts';

/** The table of docs/runbook.md of what redirects cost on CloudFront. A test holds the page against it. */

/** What is taken for granted; a test holds the reads and the size against the built function. */
export const ASSUMED = {
  /** `meta`, a bucket, a zone's table. */
  keyReadsPerRedirect: 3,
  /** The answer's headers (some 500 bytes), CloudFront's own, and TLS. */
  bytesPerRedirect: 1_000,
  /** Of the workflow "maps", every two hours. */
  mapsPerMonth: 12 * 30,
  /** The most: all 2,200 keys of a full build anew, 50 in a call, and a few calls besides. */
  keyCallsPerMap: 50,
  /** Of the workflow "liveness", every ten minutes. */
  livenessPerMonth: 6 * 24 * 30,
  /** Describe the store, write `meta`, and whatever little else. */
  keyCallsPerLiveness: 3,
} as const;

export interface MonthlyCost {
  readonly requestsUsd: number;
  readonly functionUsd: number;
  readonly keyReadsUsd: number;
  readonly trafficUsd: number;
  readonly publishingUsd: number;
  readonly sumUsd: number;
}

/** What a month costs, all of it over https. */
export function monthlyCost(redirects: number): MonthlyCost {
  const prices = CLOUDFRONT_PRICES_USD;
  const free = CLOUDFRONT_FREE;
  const beyond = (count: number, freeCount: number) => Math.max(0, count - freeCount);
  const requestsUsd = (beyond(redirects, free.requests) / 1e6) * prices.millionHttpsRequests;
  const functionUsd = (beyond(redirects, free.functionCalls) / 1e6) * prices.millionFunctionCalls;
  const keyReads = redirects * ASSUMED.keyReadsPerRedirect;
  const keyReadsUsd = (beyond(keyReads, free.keyReads) / 1e6) * prices.millionKeyReads;
  const gigabytes = (redirects * ASSUMED.bytesPerRedirect) / 1e9;
  const trafficUsd = beyond(gigabytes, free.gigabytesOut) * prices.gigabyteOut;
  const { mapsPerMonth, keyCallsPerMap, livenessPerMonth, keyCallsPerLiveness } = ASSUMED;
  const keyCalls = mapsPerMonth * keyCallsPerMap + livenessPerMonth * keyCallsPerLiveness;
  const publishingUsd = keyCalls * prices.keyCall;
  const sumUsd = requestsUsd + functionUsd + keyReadsUsd + trafficUsd + publishingUsd;
  return { requestsUsd, functionUsd, keyReadsUsd, trafficUsd, publishingUsd, sumUsd };
}

export function costTable(): string {
  const rows = [1, 10, 100].map((millions) => {
    const { requestsUsd, functionUsd, keyReadsUsd, trafficUsd, publishingUsd, sumUsd } = monthlyCost(millions * 1e6);
    const amounts = [requestsUsd, functionUsd, keyReadsUsd, trafficUsd, publishingUsd].map((usd) => usd.toFixed(2));
    return `| ${millions} million | ${amounts.join(' | ')} | **${sumUsd.toFixed(2)}** |`;
  });
  return `| redirects a month | requests | function | key reads | traffic | publishing | sum in $ |
|---|---|---|---|---|---|---|
${rows.join('\n')}
`;
}
