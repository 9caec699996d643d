import { describe, expect, it } from 'vitest';
import type { FunctionEvent } from '../core/function-event.ts';
import { loadBuiltFunction } from '../edge-shim/built-function.ts';
import { bundleFunction, MAX_FUNCTION_BYTES } from '../edge-shim/bundle.ts';
import { answersOnNjs } from '../edge-shim/function-on-njs.ts';
import { requires } from './debian-packages.ts';
import { FALLBACK, inventoryOf, mapsOf, mirrorsIn } from './small-build.ts';

const paths = [
  '',
  'distfiles/',
  'distfiles/f2/',
  ...Array.from({ length: 300 }, (_, i) => `distfiles/f2/go%252Fpkg-${i}%2B%23.zip`),
];
const inventory = inventoryOf(paths);
const evidence = mirrorsIn(['DE', 'US', 'JP'], paths.length, (n) => {
  return { holds: (id) => (id + n) % 4 !== 0, ipv6: n === 1 };
});
const { keys } = mapsOf(inventory, evidence);

function event(
  uri: string,
  over: { method?: string; ip?: string; headers?: Record<string, string>; query?: Record<string, string> } = {},
): FunctionEvent {
  const headers = over.headers ?? { 'cloudfront-viewer-country': 'DE', 'cloudfront-forwarded-proto': 'https' };
  return {
    version: '1.0',
    context: { eventType: 'viewer-request' },
    viewer: { ip: over.ip ?? '192.0.2.1' },
    request: {
      method: over.method ?? 'GET',
      uri,
      querystring: Object.fromEntries(Object.entries(over.query ?? {}).map(([name, value]) => [name, { value }])),
      cookies: {},
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, { value }])),
    },
  };
}

const events: FunctionEvent[] = [
  ...paths.flatMap((path) =>
    ['DE', 'US', 'JP', 'BR', 'XX'].map((country) =>
      event(`/${path}`, {
        headers: {
          'cloudfront-viewer-country': country,
          'cloudfront-forwarded-proto': country === 'BR' ? 'http' : 'https',
        },
      }),
    ),
  ),
  event('/distfiles'),
  ...[
    { mirrorlist: '' },
    { mirrorlist: 'json' },
    { meta4: '' },
    { country: 'JP' },
    { country: 'US-WA', mirrorlist: '' },
  ].flatMap((query) =>
    ['/distfiles/f2/go%252Fpkg-7+%23.zip', '/no/such&<>"\'', '/'].map((uri) => event(uri, { query })),
  ),
  event('/distfiles/f2/go%252fpkg-7%2b%23.zip'),
  event('//distfiles/./f2/../f2/go%252Fpkg-7+%23.zip', { ip: '2001:db8:1:2300::9' }),
  event('/distfiles/f2/go%252Fpkg-7+%23.zip', { headers: {} }),
  event('/%zz'),
  event('/%'),
  event('/a%0d%0aLocation:%20http://evil.example/'),
  event('/a\r\nSet-Cookie: x=y'),
  event('/é/😀/日本'),
  event('/../../../etc/passwd'),
  event('https://evil.example/'),
  event('//evil.example/'),
  event('/@evil.example/'),
  event(`/${'a'.repeat(5000)}`),
  event('/distfiles/', { method: 'POST' }),
  event('/distfiles/', { method: 'HEAD', ip: 'not an address' }),
  event('/distfiles/', { headers: { 'cloudfront-viewer-country': '<script>', 'cloudfront-forwarded-proto': 'ftp' } }),
];

const code = await bundleFunction(FALLBACK);
const inNode = await Promise.all(events.map(loadBuiltFunction(code, new Map(keys), 'function.js')));

describe('the built function', () => {
  it('fits into a CloudFront Function', () => {
    expect(Buffer.byteLength(code)).toBeLessThanOrEqual(MAX_FUNCTION_BYTES);
  });

  it('redirects, falls back and refuses as it should', () => {
    const statuses = inNode.map((answer) => answer.statusCode);
    expect(new Set(statuses)).toEqual(new Set([200, 302, 400, 405]));
    const hosts = /^https?:\/\/((de|us|jp)\.example\.org\/gentoo|fallback\.example\.org)\/[A-Za-z0-9._~%/-]*$/;
    for (const { statusCode, headers } of inNode) {
      if (statusCode === 302) expect(headers['location']?.value).toMatch(hosts);
      expect(headers['cache-control']?.value).toBe('private, no-store');
      for (const { value } of Object.values(headers)) expect(value).toMatch(/^[\x20-\x7e]*$/);
    }
  });

  it('falls back over https where even the event is broken', async () => {
    const run = loadBuiltFunction(await bundleFunction('http://fallback.example.org'), new Map(), 'function.js');
    const answer = await run({} as FunctionEvent);
    expect(answer).toMatchObject({
      statusCode: 302,
      headers: { location: { value: 'https://fallback.example.org/' } },
    });
  });
});

requires('njs')('the built function on njs', () => {
  it('answers every event as it does in Node', async () => {
    const inNjs = await answersOnNjs(code, new Map(keys), events);
    expect(inNjs).toEqual(inNode);
  });
});
