import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadBuiltFunction } from '../edge-shim/built-function.ts';
import { bundleFunction } from '../edge-shim/bundle.ts';
import { evidenceOf, FALLBACK, inventoryOf, mapsOf } from '../test/small-build.ts';
import { ASSUMED, costTable, monthlyCost } from './cost-table.ts';

describe('the cost of CloudFront', () => {
  it('stands in the runbook as it is computed', () => {
    expect(readFileSync(new URL('runbook.md', import.meta.url), 'utf8')).toContain(costTable());
  });

  it('counts what lies beyond the free part alone', () => {
    const { requestsUsd, functionUsd, keyReadsUsd, trafficUsd } = monthlyCost(1e6);
    expect([requestsUsd, functionUsd, trafficUsd]).toEqual([0, 0, 0]);
    expect(keyReadsUsd).toBeCloseTo(0.03, 10);
    expect(monthlyCost(2e9).trafficUsd).toBeCloseTo(85, 10);
  });

  it('goes by how often the workflows run', () => {
    const cronOf = (name: string) =>
      /cron: '(.*)'/.exec(readFileSync(new URL(`../.github/workflows/${name}.yml`, import.meta.url), 'utf8'))?.[1];
    expect(cronOf('maps')).toMatch(/^\d+ \*\/2 \* \* \*$/);
    expect(cronOf('liveness')).toMatch(/^\d-59\/10 \* \* \* \*$/);
    expect([ASSUMED.mapsPerMonth, ASSUMED.livenessPerMonth]).toEqual([(24 / 2) * 30, (60 / 10) * 24 * 30]);
  });

  it('takes no fewer key reads for granted than a redirect needs, nor a smaller answer', async () => {
    const paths = ['', ...Array.from({ length: 50 }, (_, i) => `distfiles/f2/go%252Fpkg-${i}.zip`)];
    const evidence = ['DE', 'FR', 'US'].map((country) =>
      evidenceOf(paths.length, {
        host: `mirror.${country.toLowerCase()}.example.org`,
        country,
        protocol: 'https',
        holds: () => true,
      }),
    );
    const reads: string[] = [];
    class Counted extends Map<string, string> {
      override get(key: string): string | undefined {
        reads.push(key);
        return super.get(key);
      }
    }
    const { keys } = mapsOf(inventoryOf(paths), evidence);
    const run = loadBuiltFunction(await bundleFunction(FALLBACK), new Counted(keys), 'function.js');
    const { statusCode, headers } = await run({
      version: '1.0',
      context: { eventType: 'viewer-request' },
      viewer: { ip: '192.0.2.1' },
      request: {
        method: 'GET',
        uri: '/distfiles/f2/go%252Fpkg-7.zip',
        querystring: {},
        cookies: {},
        headers: {
          'cloudfront-viewer-country': { value: 'DE' },
          'cloudfront-forwarded-proto': { value: 'https' },
        },
      },
    });
    expect(statusCode).toBe(302);
    expect(headers['x-redirector']?.value).toContain(' reason=near');
    expect(reads.length).toBe(ASSUMED.keyReadsPerRedirect);
    const lines = Object.entries(headers).map(([name, { value }]) => `${name}: ${value}\r\n`);
    expect(lines.join('').length).toBeLessThan(ASSUMED.bytesPerRedirect / 2);
  });
});
