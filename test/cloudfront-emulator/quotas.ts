/**
 * What the service allows: "Quotas on CloudFront Functions" and "Quotas on key value stores" of the CloudFront Developer
 * Guide. Where it is not said whether a megabyte is decimal, the smaller number.
 */
export const QUOTAS = {
  functionBytes: 10_240,
  storesPerFunction: 1,
  storesPerAccount: 50,
  functionsPerAccount: 100,
  storeBytes: 5_000_000,
  keyBytes: 512,
  valueBytes: 1_024,
  /** Puts and deletes of one UpdateKeys. */
  keysPerUpdate: 50,
  bytesPerUpdate: 3_000_000,
  keysPerPage: 50,
  keysPerPageByDefault: 10,
  /** "You can have invalidation requests for up to 3,000 files per distribution in progress at one time." */
  pathsInProgress: 3_000,
  wildcardsInProgress: 15,
} as const;

/** How long things take that the service does in the background. */
export const DURATIONS = {
  /** A store until it is READY: 35 s were measured. */
  provisioningMs: 35_000,
  /** A key, or a function, until the last edge has it: about a minute was measured. */
  propagationMs: 60_000,
  /** While a key is replaced, an edge may say KeyNotFound for so long. */
  missingMs: 2_000,
  invalidationMs: 20_000,
} as const;
