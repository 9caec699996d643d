import { describe, expect, test } from 'vitest';
import { childLink } from './child-link.ts';

const HERE = { origin: 'http://m.example.org', path: '/gentoo/a%20b/', name: 'a%20b' };
const read = (href: string) => {
  const link = childLink(href, HERE);
  return 'rejected' in link ? `rejected: ${link.rejected}` : `${link.name}${link.isDirectory ? '/' : ''}`;
};

describe('a link leads to a child', () => {
  test.each([
    ['a.tar.xz', 'a.tar.xz'],
    ['sub/', 'sub/'],
    ['./sub/', 'sub/'],
    ['gtk+-2.tar.xz', 'gtk%2B-2.tar.xz'],
    ['gtk%2b-2.tar.xz', 'gtk%2B-2.tar.xz'],
    ['percent%2520sign', 'percent%2520sign'],
    ['%41%7e', 'A~'],
    ['...', '...'],
    ['./epoch:1:2.0.tar.gz', 'epoch%3A1%3A2.0.tar.gz'],
    ['new%0Aline', 'new%0Aline'],
    ['caf\xe9', 'caf%E9'],
    ['\u65e5', '%E6%97%A5'],
    ['/gentoo/a%20b/x', 'x'],
    ['/gentoo/a b/x/', 'x/'],
    ['http://m.example.org/gentoo/a%20b/x', 'x'],
    ['%25'.repeat(255), '%25'.repeat(255)],
  ])('%j is %s', (href, name) => expect(read(href)).toBe(name));
});

describe('a link is rejected, and the reason told', () => {
  test.each([
    ['?C=N;O=D', 'query'],
    ['./?sort=name', 'query'],
    ['#top', 'fragment'],
    ['a?b', 'query after a name'],
    ['a#b', 'fragment after a name'],
    ['//evil.example.org/x', 'other host'],
    ['https://evil.example.org/x', 'other host'],
    ['http://m.example.org.evil.org/gentoo/a%20b/x', 'other host'],
    ['http://m.example.org@evil.org/x', 'other host'],
    ['javascript:alert(1)', 'other scheme'],
    ['epoch:1:2.0.tar.gz', 'other scheme'],
    ['..', 'parent'],
    ['../', 'parent'],
    ['%2e%2E/', 'parent'],
    ['/gentoo/', 'parent'],
    ['/', 'parent'],
    ['', 'the directory itself'],
    ['.', 'the directory itself'],
    ['./', 'the directory itself'],
    ['/gentoo/a%20b/', 'the directory itself'],
    ['../x', 'leaves the directory'],
    ['sub/../../x', 'leaves the directory'],
    ['/other/x', 'leaves the directory'],
    ['sub/x', 'not a child'],
    ['/gentoo/a%20b/sub/x', 'not a child'],
    ['a%2Fb', 'no file name'],
    ['a%00b', 'no file name'],
    ['a\\b', 'no file name'],
    ['a%zz', 'bad percent-encoding'],
    ['100%', 'bad percent-encoding'],
    ['a\nb', 'control character'],
    ['a\x7fb', 'control character'],
    ['a'.repeat(256), 'too long'],
    ['%25'.repeat(256), 'too long'],
    ['/'.repeat(5000), 'too long'],
  ])('%j: %s', (href, reason) => expect(read(href)).toBe(`rejected: ${reason}`));
});
