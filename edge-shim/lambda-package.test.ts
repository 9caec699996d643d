import { describe, expect, it } from 'vitest';
import { fleetEvidence } from '../test/fleet.ts';
import { FALLBACK, inventoryOf, mapsOf } from '../test/small-build.ts';
import { lambdaPackage, MAX_LAMBDA_BYTES } from './bundle.ts';

describe('the Lambda@Edge package', () => {
  it('holds the map of 149,000 objects and a large fleet in 1 MB', { timeout: 120_000 }, async () => {
    const inventory = inventoryOf(Array.from({ length: 149_000 }, (_, i) => `distfiles/${i.toString(16)}.tar.xz`));
    const { keys } = mapsOf(inventory, fleetEvidence(149_000, 100));
    const data = keys.map(([key, value]) => ({ key, value }));
    const zip = await lambdaPackage(JSON.stringify({ data }), FALLBACK);
    expect(zip.length).toBeLessThanOrEqual(MAX_LAMBDA_BYTES);
    expect(zip.length).toBeGreaterThan(500_000);
  });

  it('is refused where it is larger', async () => {
    const noise = Array.from({ length: 90_000 }, (_, i) => ({
      key: `${i}`,
      value: `${Math.imul(i, 2654435761)}${Math.imul(i + 7, 40503)}`,
    }));
    await expect(lambdaPackage(JSON.stringify({ data: noise }), FALLBACK)).rejects.toThrow(
      /package has \d+ bytes, more than 1000000/,
    );
  });
});
