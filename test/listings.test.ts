import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type IndexEntry, IndexPage } from '../checker/listing/index-page.ts';
import { canonicalRequestPath } from '../core/path.ts';
import { pathToBytes } from '../core/path-bytes.ts';
import { requires } from './debian-packages.ts';
import { FUZZ_TIMEOUT_MS, fuzz, mutated } from './fuzzing.ts';
import { expectedListing, LISTED_DIRECTORY, plantListedNames } from './listing-tree.ts';
import { INDEX_SERVERS } from './servers/index-servers.ts';

const SERVERS = Object.keys(INDEX_SERVERS);
const EXACT = ['nginx-exact', 'fancyindex-exact', 'caddy'];
const WITHOUT_SIZES = ['apache-plain', 'python'];
const DIRECTORY = { origin: 'http://127.0.0.1', path: `/${LISTED_DIRECTORY}`, name: 'listed' };
const fixture = (server: string) => readFileSync(new URL(`fixtures/listings/${server}.html`, import.meta.url));

/** Reads a page in pieces that end at the given places. */
function read(page: Buffer, cuts: readonly number[] = []) {
  const entries: IndexEntry[] = [];
  const index = new IndexPage(DIRECTORY, (entry) => entries.push(entry));
  const places = [0, ...cuts, page.length];
  for (let i = 1; i < places.length; i++) index.push(page.subarray(places[i - 1], places[i]));
  index.end();
  return { entries, doubt: index.doubt, isIndex: index.isIndex, rejections: Object.fromEntries(index.rejections) };
}

function expectGroundTruth(server: string, page: Buffer): void {
  const { entries, doubt } = read(page);
  expect(doubt).toBe('');
  const expected = expectedListing(server);
  expect(entries.map(({ name }) => name).sort()).toEqual([...expected.keys()].sort());
  for (const { name, isDirectory, size } of entries) {
    const { minBytes, maxBytes } = size;
    const truth = expected.get(name)!;
    expect([name, isDirectory]).toEqual([name, truth.isDirectory]);
    if (isDirectory || WITHOUT_SIZES.includes(server)) expect(size).toEqual({ minBytes: 0, maxBytes: Infinity });
    else if (EXACT.includes(server))
      expect([name, minBytes, maxBytes]).toEqual([name, truth.sizeBytes, truth.sizeBytes]);
    else {
      expect(minBytes, name).toBeLessThanOrEqual(truth.sizeBytes);
      expect(maxBytes, name).toBeGreaterThanOrEqual(truth.sizeBytes);
      expect(maxBytes - minBytes, name).toBeLessThanOrEqual(Math.max(2 * 1024, truth.sizeBytes * 2));
    }
  }
}

describe.each(SERVERS)('the captured page of %s', (server) => {
  const page = fixture(server);

  test('shows exactly what was in the folder', () => expectGroundTruth(server, page));

  test('is the same in pieces of any size', () => {
    const whole = read(page);
    for (const step of [1, 7, 1000]) {
      const cuts = Array.from({ length: Math.floor(page.length / step) }, (_, i) => (i + 1) * step);
      expect(read(page, cuts)).toEqual(whole);
    }
  });

  test('cut anywhere, it proves no absence and shows nothing that is not there', () => {
    const end = page.lastIndexOf('</html>');
    const names = new Map(read(page).entries.map((entry) => [entry.name, entry]));
    for (let cut = 0; cut < end; cut += 37) {
      const { doubt, entries } = read(page.subarray(0, cut));
      expect(doubt, `cut at ${cut}`).not.toBe('');
      for (const entry of entries) expect(entry).toEqual(names.get(entry.name));
    }
  });
});

describe('fresh pages of the servers on this machine', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'redirector-listings-'));
    plantListedNames(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  for (const [server, { programs, start }] of Object.entries(INDEX_SERVERS)) {
    requires(...programs)(server, () => {
      test('shows exactly what is in the folder', async () => {
        const running = await start(folder);
        try {
          const answer = await fetch(`${running.url}${LISTED_DIRECTORY}`);
          expectGroundTruth(server, Buffer.from(await answer.arrayBuffer()));
        } finally {
          await running.close();
        }
      });
    });
  }
});

describe('whatever it is fed', () => {
  /** What holds of every page: names are segments, sizes are ranges, and pieces make no difference. */
  function expectSane(page: Buffer, cuts: readonly number[]): void {
    const whole = read(page);
    for (const { name, size } of whole.entries) {
      expect(canonicalRequestPath(name)).toBe(name);
      expect(name).not.toMatch(/^\.{0,2}$|\/|%2F|%00/);
      expect(pathToBytes(name).length).toBeLessThanOrEqual(255);
      expect(size.minBytes).toBeGreaterThanOrEqual(0);
      expect(size.maxBytes).toBeGreaterThanOrEqual(size.minBytes);
    }
    expect(read(page, cuts)).toEqual(whole);
  }

  const cutsIn = (page: Buffer, shares: readonly number[]) =>
    shares.map((share) => Math.floor(share * page.length)).sort((a, b) => a - b);
  const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 });

  test('pieces of pages in any order, with anything between', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...[
          '<html><title>Index of /gentoo/listed</title>',
          '<pre>',
          '</pre>',
          '<table id="list">',
          '</table>',
          '<ul>',
          '</ul>',
        ],
        ...[
          '<tr>',
          '<td>',
          '</td>',
          '<td data-order="12">',
          '<li>',
          '<a href="',
          '">',
          '</a>',
          '</html>',
          '<!--',
          '-->',
        ],
        ...['<script>', '</script>', '&amp;', '&#x110000;', '&#0;', '&eacute', '%2e%2e', '%2F', '%', '../', './', '//'],
        ...['a.tar.xz', '30-Jun-2026 12:34 ', '12345', '1.2K', ' - ', '\r\n', '\0', '"', "'", '>', '<a href=x>y</a>'],
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
    );
    const property = fc.property(fc.array(piece, { maxLength: 60 }), shares, (pieces, at) => {
      const page = Buffer.from(pieces.join(''), 'utf8');
      expectSane(page, cutsIn(page, at));
    });
    await fuzz(property);
  });

  test('rows that are plain are read as the parser reads those that are not', {
    timeout: FUZZ_TIMEOUT_MS,
  }, async () => {
    const href = fc.constantFrom('a', 'b/', '../', 'c%20d', 'e%zz', 'f?g', "h'", 'i>', '&amp;', '\u00e9', '', '?C=N');
    const behind = fc.constantFrom(
      ...[
        '  30-Jun-2026 12:34  5\r\n',
        ' 30-Jun-2026 12:34 \n 7 ',
        ' 2026-06-30 12:34 1.2K x\n',
        ' -\n',
        '',
        '\n',
        '&gt;\n',
      ],
      ...[
        ' 30-Jun-2026 12:34 99',
        `${' '.repeat(450)}\n`,
        '<hr>\n',
        '<!--\n',
        '-->\n',
        '<b\n',
        '>\n',
        '</pre>\n',
        '<pre>',
      ],
    );
    const rows = fc.array(fc.tuple(href, behind), { maxLength: 12 });
    const property = fc.property(rows, fc.boolean(), shares, (list, isClosed, at) => {
      const text = list.map(([to, after]) => `<a href="${to}">x&lt;</a>${after}`).join('');
      const html = `<html><h1>Index of /gentoo/listed/</h1><pre>\n${text}${isClosed ? '</pre></html>' : ''}`;
      const plain = Buffer.from(html);
      const other = Buffer.from(html.replaceAll('<a href', '<a  href'));
      expect(read(plain, cutsIn(plain, at))).toEqual(read(other));
    });
    await fuzz(property);
  });

  test('captured pages with bytes changed, taken out, put in and repeated', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    // Head, some rows and end: the style sheets between have nothing to say.
    const pages = SERVERS.map((server) => {
      const page = fixture(server);
      const first = page.indexOf('href', page.indexOf('</h1>'));
      return Buffer.concat([page.subarray(0, 200), page.subarray(first - 400, first + 3000), page.subarray(-200)]);
    });
    const property = fc.property(mutated(pages), shares, ({ bytes }, at) => expectSane(bytes, cutsIn(bytes, at)));
    await fuzz(property);
  });
});
