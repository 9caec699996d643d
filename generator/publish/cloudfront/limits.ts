import { CLOUDFRONT_PRICES_USD } from '../../../core/cloudfront-prices.ts';

/**
 * What CloudFront allows ("Quotas" in the CloudFront Developer Guide). Where it is not said whether a megabyte is decimal, the smaller number with a margin.
 */
export const LIMITS = {
  storeBytes: 4_900_000,
  keyBytes: 512,
  valueBytes: 1_024,
  /** Of one UpdateKeys call, puts and deletes together. */
  keysPerCall: 50,
  bytesPerCall: 2_900_000,
  keysPerPage: 50,
  functionBytes: 10_000,
  /** Of one distribution, under way at the same time. */
  pathsInProgress: 3_000,
} as const;

/**
 * The last edge has a new key, or a new function, after about a minute, as others have measured; nothing is promised.
 * What an old pointer may lead to is kept three times as long.
 */
export const SETTLE_MS = 180_000;

/**
 * The most of the allowed compute time that TestFunction may report, in percent. Real edges need some three times what
 * it reports, and from 71 % on CloudFront may throttle a function.
 */
export const MOST_UTILIZATION = 23;

/** `12 calls, $0.012`; the price alone where it is no round number of cents. */
export function costUsd(keyCalls: number): number {
  return Math.round(keyCalls * CLOUDFRONT_PRICES_USD.keyCall * 1e6) / 1e6;
}

export function dollars(usd: number): string {
  return `$${usd.toFixed(3)}`;
}
