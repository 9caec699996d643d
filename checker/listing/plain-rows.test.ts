import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IndexPage } from './index-page.ts';

/** What a page with these rows shows; a second blank in a mark leaves a row to the parser. */
function shown(rows: readonly string[], mark: '<a href' | '<a  href') {
  const entries: string[] = [];
  const page = new IndexPage({ origin: 'http://m', path: '/d/', name: 'd' }, ({ name, isDirectory, size }) => {
    entries.push(`${name} ${isDirectory} ${size.minBytes} ${size.maxBytes}`);
  });
  const list = rows.map((row) => row.replace('<a href', mark)).join('');
  page.push(Buffer.from(`<html><title>Index of /d/</title><body><pre>\n${list}</pre></body></html>`, 'latin1'));
  page.end();
  return { entries, rejections: Object.fromEntries(page.rejections), doubt: page.doubt };
}

const text = (alphabet: string[], maxLength: number) =>
  fc.array(fc.constantFrom(...alphabet), { maxLength }).map((parts) => parts.join(''));
const row = fc
  .record({
    href: text(['a', 'Z', '9', '.', '..', '/', '-', '~', '%41', '%2F', '%', '+', ' ', '?', ':', '\\', '\xe9'], 5),
    label: text(['a', '.', '&amp;', '>', ' '], 3),
    date: fc.constantFrom('30-Jun-2026', '2026-06-30', '30-6-26', '3-Jun-2026-1', '', '2026\xa006-30', '1234567'),
    time: fc.constantFrom('12:34', '12:34:56', '1:34', '12:345', ''),
    size: fc.constantFrom('0', '20034', '-', '', '5K', '5 B', '1.5', '9'.repeat(16), '-1', '7 x', '1,234', '12\xa0'),
    blank: fc.constantFrom(' ', '\t', '   ', ''),
    end: fc.constantFrom('\n', '\r\n', '  \n', '\xa0\n'),
  })
  .map(
    ({ href, label, date, time, size, blank, end }) =>
      `<a href="${href}">${label}</a>${blank}${date}${blank}${time}${blank}${size}${end}`,
  );

test('plain rows say what the parser makes of them', () => {
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 20 }), (rows) => {
      expect(shown(rows, '<a href')).toEqual(shown(rows, '<a  href'));
    }),
    { numRuns: 3000 },
  );
});
