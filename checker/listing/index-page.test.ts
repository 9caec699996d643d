import { describe, expect, test } from 'vitest';
import { IndexPage } from './index-page.ts';

function read(pieces: Iterable<string>) {
  const names: string[] = [];
  const page = new IndexPage({ origin: 'http://m', path: '/d/', name: 'd' }, ({ name, isDirectory, size }) =>
    names.push(`${name}${isDirectory ? '/' : ` ${size.minBytes}`}`),
  );
  for (const piece of pieces) page.push(Buffer.from(piece, 'latin1'));
  page.end();
  return { names, isIndex: page.isIndex, doubt: page.doubt, rejections: Object.fromEntries(page.rejections) };
}

const row = (name: string, sizeBytes = 5) => `<a href="${name}">x</a>  30-Jun-2026 12:34  ${sizeBytes}\n`;
const pre = (rows: string, more = '') =>
  `<html><head><title>Index of /d/</title></head><body>${more}<pre>${rows}</pre></body></html>`;

describe('an index page', () => {
  test('without names is whole too', () => {
    expect(read([pre('<a href="../">..</a>\n')])).toEqual({
      names: [],
      isIndex: true,
      doubt: '',
      rejections: { parent: 1 },
    });
  });

  test('names come from the links, whatever people are shown', () => {
    const { names } = read([
      pre('<a href="real%26name">shown &amp; cut..&gt; 1 30-Jun-2026 12:34 9</a> 30-Jun-2026 12:34 7\n'),
    ]);
    expect(names).toEqual(['real%26name 7']);
  });

  test('entities in links are decoded once, then percent signs once', () => {
    expect(read([pre(row('a&amp;amp;b') + row('&#37;2541'))]).names).toEqual(['a%26amp%3Bb 5', '%2541 5']);
  });

  test('links in comments, scripts, headings and outside of the list are no names', () => {
    const { names, rejections, doubt } = read([
      pre(`<!-- ${row('comment')} --><script>${row('script')}</script>${row('real')}`, `<p>${row('outside')}</p>`),
    ]);
    expect([names, rejections, doubt]).toEqual([['real 5'], { 'outside the list': 1 }, '']);
  });

  test.each([
    ['is of no known server', pre(row('a')).replace('Index of', 'Welcome to'), 'no index page of a known server'],
    ['has no list', '<html><title>Index of /d/</title></html>', 'no index page of a known server'],
    ['is of another directory', pre(row('a')).replace('/d/', '/e/'), 'an index page of another directory'],
    ['lacks its end', pre(row('a')).replace('</html>', ''), 'an index page that breaks off'],
    ['lacks the end of its list', pre(row('a')).replace('</pre>', ''), /breaks off|without end/],
    ['has two lists', pre(row('a'), `<ul><li><a href="b">b</a></ul>`), 'an index page with more than one list'],
    ['has a name that is not understood', pre(row('a%zz')), /a link that is no name: bad percent-encoding/],
    [
      'stops at a round number',
      pre(Array.from({ length: 2000 }, (_, i) => row(`f${i}`)).join('')),
      /may stop at 2000 names/,
    ],
  ])('proves no absence where it %s', (_, page, doubt) => expect(read([page]).doubt).toMatch(doubt));

  test('fancyindex and Caddy are known by their tables, whatever stands above', () => {
    for (const attribute of ['id="list"', 'aria-describedby="summary"']) {
      const page = `<html><h1>Welcome</h1><table ${attribute}><tr><td><a href="a">a</a></td><td>5</td></tr></table></html>`;
      expect(read([page])).toMatchObject({ names: ['a 5'], isIndex: true, doubt: '' });
    }
  });
});

describe('hostile pages end in bounded memory and time', () => {
  const MEGABYTES = 40;

  test.each([
    ['a tag without end', 'x', '<a href="', /a tag without end/],
    ['a comment without end', '- ', '<!--', /a tag without end/],
    ['attributes without end', ' x="y"', '<a ', /a tag without end/],
    ['tags in tags', '<b>', '', /tags in tags/],
    ['tags in tags, and ends of others', '<i></b>', '', /tags in tags/],
    ['rows without end', row('f'), '', /a list without end/],
    ['text without end', 'x ', '<a href="a">a</a>', /a list without end/],
  ])('%s', (_, piece, before, doubt) => {
    const chunk = Buffer.from(piece.repeat(Math.ceil(65_536 / piece.length)));
    const page = new IndexPage({ origin: 'http://m', path: '/d/', name: 'd' }, () => {});
    const startedMs = performance.now();
    page.push(Buffer.from(`<html><title>Index of /d/</title><pre>${before}`));
    const heapBefore = process.memoryUsage().heapUsed;
    let mostHeap = 0;
    for (let bytes = 0; bytes < MEGABYTES * 1e6; bytes += chunk.length) {
      page.push(chunk);
      mostHeap = Math.max(mostHeap, process.memoryUsage().heapUsed);
    }
    page.end();
    expect(page.doubt).toMatch(doubt);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect((mostHeap - heapBefore) / 1e6).toBeLessThan(MEGABYTES);
  });
});
