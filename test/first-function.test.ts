import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FunctionEvent } from '../core/function-event.ts';
import { loadBuiltFunction } from '../edge-shim/built-function.ts';
import { bundleFunction, MAX_FUNCTION_BYTES } from '../edge-shim/bundle.ts';
import { callOf, type Json, parseTemplate } from './cloudformation/template.ts';
import { requires } from './debian-packages.ts';
import { languageFaults } from './edge-language.ts';
import { runNjs } from './servers/njs.ts';

const file = new URL('../edge-shim/deploy/template.yaml', import.meta.url);
const template = parseTemplate(readFileSync(file, 'utf8'));
const FALLBACK = 'http://fallback.example.org/gentoo/';

/** The function's first code, as CloudFormation would write it. */
function placeholderCode(): string {
  const call = callOf(template.Resources['Function']?.Properties?.['FunctionCode'] as Json);
  expect(call?.name).toBe('Fn::Sub');
  return String(call?.argument).replaceAll('${FallbackUrl}', FALLBACK);
}

function event(uri: string, { method = 'GET', scheme = 'https' } = {}): FunctionEvent {
  return {
    version: '1.0',
    context: { eventType: 'viewer-request' },
    viewer: { ip: '192.0.2.1' },
    request: {
      method,
      uri,
      querystring: {},
      cookies: {},
      headers: scheme === '' ? {} : { 'cloudfront-forwarded-proto': { value: scheme } },
    },
  };
}

const canonical = ['/', '/distfiles/', '/distfiles/f2/go%252Fpkg-7%2B%23.zip', '/releases/~x/a-b_c.d'].flatMap((uri) =>
  ['https', 'http', ''].map((scheme) => event(uri, { scheme })),
);
const refused = [
  event('/distfiles/', { method: 'POST' }),
  event('/a\r\nSet-Cookie: x=y'),
  event('/é'),
  event('https://evil.example/'),
  event(`/${'a'.repeat(5000)}`),
];
const hostile = [
  event('//evil.example/'),
  event('/\\evil.example'),
  event('/@evil.example/'),
  event('/../../etc/passwd'),
];

describe('the first code of the function', () => {
  const code = placeholderCode();
  const placeholder = loadBuiltFunction(code, new Map(), 'template.yaml');

  it('fits, and is in the language of the edge', async () => {
    expect(Buffer.byteLength(code)).toBeLessThanOrEqual(MAX_FUNCTION_BYTES);
    expect(await languageFaults(code)).toEqual([]);
  });

  it('answers as the built function does before there are keys', async () => {
    const built = loadBuiltFunction(await bundleFunction(FALLBACK), new Map(), 'function.js');
    for (const one of canonical) {
      expect(await placeholder(one)).toEqual(await built(one));
      expect((await built(one)).statusCode).toBe(302);
    }
    for (const one of refused) {
      expect((await placeholder(one)).statusCode).toBe(one.request.method === 'POST' ? 405 : 400);
    }
  });

  it('leads nowhere else', async () => {
    for (const one of [...hostile, ...refused]) {
      const { statusCode, headers } = await placeholder(one);
      if (statusCode === 302) expect(new URL(headers['location']?.value as string).host).toBe('fallback.example.org');
      for (const { value } of Object.values(headers)) expect(value).toMatch(/^[\x20-\x7e]*$/);
    }
  });

  requires('njs')('on njs', () => {
    it('answers as it does in Node', async () => {
      const events = [...canonical, ...refused, ...hostile];
      const ask = `${code}
        const events = JSON.parse(require('fs').readFileSync(process.argv[2], 'utf8'));
        for (let i = 0; i < events.length; i++) { console.log(JSON.stringify(handler(events[i]))); }`;
      const printed = (await runNjs({ code: ask, input: JSON.stringify(events) })).trimEnd().split('\n');
      expect(printed.map((line) => JSON.parse(line))).toEqual(await Promise.all(events.map(placeholder)));
    });
  });
});
