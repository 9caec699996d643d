import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_TIMEOUT_MS, fuzz } from '../../test/fuzzing.ts';
import { parseAccessPointUrl } from './access-point-url.ts';

test.each([
  ['http://a.org', 'http://a.org/'],
  ['https://a.org/gentoo', 'https://a.org/gentoo/'],
  ['HTTPS://A.Org/Gentoo/', 'https://a.org/Gentoo/'],
  ['http://a.org:80/', 'http://a.org/'],
  ['https://a.org:443/', 'https://a.org/'],
  ['rsync://a.org:873/m', 'rsync://a.org/m/'],
  ['ftp://a.org:21', 'ftp://a.org/'],
  ['http://a.org:', 'http://a.org/'],
  ['http://a.org:08000/x/', 'http://a.org:8000/x/'],
  ['https://a.org:80/', 'https://a.org:80/'],
  ['http://[2001:DB8::0:1]:8080/x', 'http://[2001:db8::1]:8080/x/'],
  ['rsync://[2001:db8::1]/m', 'rsync://[2001:db8::1]/m/'],
  ['https://a.org/~u/%7Eu/%e4+b@c:d', 'https://a.org/~u/%7Eu/%e4+b@c:d/'],
])('%s is read as %s', (text, url) => {
  expect(parseAccessPointUrl(text)).toMatchObject({ url });
});

test.each([
  ['', 'is empty'],
  ['a.org/gentoo', 'is no absolute URL'],
  ['gopher://a.org/', 'protocol that is not supported'],
  ['sftp://a.org/', 'protocol that is not supported'],
  ['file:///srv/gentoo/', 'protocol that is not supported'],
  ['https://me:secret@a.org/', 'credentials'],
  ['https://a.org/?x', 'query or a fragment'],
  ['https://a.org/#x', 'query or a fragment'],
  ['https://a.org/a b/', 'characters'],
  ['https://a.org/\r\nSet-Cookie: x', 'characters'],
  ['https://ä.org/', 'characters'],
  ['https://a.org/<x>/', 'path'],
  ['https://a.org/%zz/', 'path'],
  ['https://a.org\\b/', 'no valid host'],
  ['https://a.org/x/../y', '".."'],
  ['https://a.org/%2e%2E/', '".."'],
  ['https:///gentoo/', 'host'],
  ['https://a..org/', 'host'],
  ['https://-a.org/', 'host'],
  ['https://1.2.3.456/', 'host'],
  ['https://[::1/', 'host'],
  ['https://[1::2::3]/', 'host'],
  ['https://a.org:0/', 'host'],
  ['https://a.org:65536/', 'host'],
  ['rsync://a.org/', 'module'],
  [`https://a.org/${'x'.repeat(1000)}`, 'longer than'],
])('%j is not taken: %s', (text, reason) => {
  expect(parseAccessPointUrl(text)).toContain(reason);
});

test('what is taken stays as it is when it is read again, and fits into a header', {
  timeout: FUZZ_TIMEOUT_MS,
}, async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'http://',
      'rsync://',
      'a.org',
      '[::1]',
      ':',
      '80',
      '/',
      '//',
      '.',
      '..',
      '%2',
      '%2F',
      '@',
      'é',
      ' ',
      '\n',
      '"',
    ),
    fc.string({ maxLength: 3 }),
  );
  let taken = 0;
  const property = fc.property(
    fc.constantFrom('http://a', 'RSYNC://b/m', 'x', ''),
    fc.array(piece, { maxLength: 6 }),
    (start, pieces) => {
      const read = parseAccessPointUrl(start + pieces.join(''));
      if (typeof read === 'string') return;
      taken++;
      expect(read.url).toMatch(/^(https|http|rsync|ftp):\/\/[a-z0-9._:[\]-]+\/[\x21-\x7e]*$/);
      expect(read.url.endsWith('/')).toBe(true);
      expect(parseAccessPointUrl(read.url)).toEqual(read);
    },
  );
  await fuzz(property);
  expect(taken).toBeGreaterThan(100);
});
