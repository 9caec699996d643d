import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FUZZ_TIMEOUT_MS, fuzz } from '../test/fuzzing.ts';
import { canonicalRequestPath } from './path.ts';
import { pathFromBytes, pathToBytes, shownPath } from './path-bytes.ts';

describe('canonicalRequestPath', () => {
  it.each([
    ['/distfiles/ab/foo-1.0.tar.xz', 'distfiles/ab/foo-1.0.tar.xz'],
    ['/', ''],
    ['', ''],
    ['/a%2bb+c', 'a%2Bb%2Bc'],
    ['/%7Efoo/%41', '~foo/A'],
    ['/github.com%252Fpkg%252F%40v', 'github.com%252Fpkg%252F%40v'],
    ['/github.com%2fpkg', 'github.com%2Fpkg'],
    ['/a//b///c', 'a/b/c'],
    ['//a', 'a'],
    ['/a/./b/../c', 'a/c'],
    ['/../../etc/passwd', 'etc/passwd'],
    ['/a/%2e%2e/b', 'b'],
    ['/a/..', ''],
    ['/a/b/..', 'a/'],
    ['/distfiles/', 'distfiles/'],
    ['/.hidden', '.hidden'],
    ['/a/..b', 'a/..b'],
    ['/a b', 'a%20b'],
    ['/é', '%C3%A9'],
    ['/日本', '%E6%97%A5%E6%9C%AC'],
    ['/😀', '%F0%9F%98%80'],
    ["/it's(a)*!", 'it%27s%28a%29%2A%21'],
    ['/a;b=c&d', 'a%3Bb%3Dc%26d'],
    ['/a%00b', 'a%00b'],
    ['/%E9', '%E9'],
    ['/a\r\nb', 'a%0D%0Ab'],
    // Adapters cut the query off before; a fragment is no part of a request.
    ['/a#b', 'a%23b'],
    ['/a?b', 'a%3Fb'],
    ['/a%23b%3fc', 'a%23b%3Fc'],
    ['/?', '%3F'],
    ['/a\n', 'a%0A'],
  ])('%j is %j', (uri, path) => {
    expect(canonicalRequestPath(uri)).toBe(path);
  });

  it.each([['/100%'], ['/%zz'], ['/%4'], ['/\ud800']])('%j names no bytes', (uri) => {
    expect(canonicalRequestPath(uri)).toBeNull();
  });

  it('is total, printable ASCII, and its own canonical form', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    await fuzz(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z%./0-9A-F+]{0,40}$/)), (uri) => {
        const path = canonicalRequestPath(uri);
        if (path === null) return;
        expect(path).toMatch(/^[A-Za-z0-9._~%/-]*$/);
        expect(path.split('/').slice(0, -1)).not.toContain('');
        expect(path.split('/')).not.toContain('..');
        expect(canonicalRequestPath(`/${path}`)).toBe(path);
      }),
    );
  });
});

describe('paths of bytes', () => {
  const name = fc
    .uint8Array({ minLength: 1, maxLength: 255 })
    .map((bytes) => bytes.map((byte) => (byte === 0x2f || byte === 0 ? 0x25 : byte)));

  it('names the same bytes again, and is what a request for them is canonicalised to', {
    timeout: FUZZ_TIMEOUT_MS,
  }, async () => {
    await fuzz(
      fc.property(name, (bytes) => {
        const path = pathFromBytes(bytes);
        expect(pathToBytes(path)).toEqual(Buffer.from(bytes));
        if (path !== '.' && path !== '..') expect(canonicalRequestPath(`/${path}`)).toBe(path);
      }),
    );
  });

  it('shows UTF-8 as it is, and what could do harm on a terminal percent-encoded', () => {
    expect(shownPath(pathFromBytes(Buffer.from('Größe+1 (日本).tar')))).toBe('Größe+1 (日本).tar');
    for (const bad of ['\u001b[2Jx', 'a\nb', '\u202Egnp.exe', 'a\u0000'])
      expect(shownPath(pathFromBytes(Buffer.from(bad)))).toMatch(/^[\w.%[\]-]+$/);
    expect(shownPath(pathFromBytes(Buffer.from([0xe9])))).toBe('%E9');
  });
});
