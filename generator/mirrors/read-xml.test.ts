import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError, UsageError } from '../../core/errors.ts';
import { FUZZ_TIMEOUT_MS, fuzz, mutated } from '../../test/fuzzing.ts';
import { group, mirror, parseGroups, uri } from '../../test/mirror-list.ts';
import { thrownBy } from '../../test/thrown-by.ts';
import { parseMirrorList } from './parse-mirror-list.ts';

describe('what is no mirror list', () => {
  test.each([
    ['', 'not well-formed XML'],
    ['hello', 'not well-formed XML'],
    ['<html><body/></html>', 'no <mirrors> element'],
    ['<mirrors>', 'not well-formed XML'],
    ['<mirrors/>', 'holds no mirror that can be used'],
    [`<mirrors>${'<a>'.repeat(150)}${'</a>'.repeat(150)}</mirrors>`, 'not well-formed XML'],
    ['<!DOCTYPE m [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><mirrors>&b;</mirrors>', 'declares a document type'],
    ['<mirrors><__proto__ x="1"/></mirrors>', 'not well-formed XML'],
  ])('%#: a usage error names the list and what is wrong', (xml, message) => {
    const error = thrownBy(() => parseMirrorList(xml, null, { list: 'the-list.xml', nowMs: 0 }));
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(/^the-list\.xml: /);
    expect((error as Error).message).toContain(message);
  });

  const one = `<mirrors>${group('DE', mirror('M', uri('http://m.org/')))}</mirrors>`;

  test.each([
    ['<!DOCTYPE mirrors SYSTEM "http://www.gentoo.org/dtd/mirrors.dtd">\n', 1],
    ["<!DOCTYPE mirrors PUBLIC '-//X//Y' \n 'http://www.gentoo.org/dtd/mirrors.dtd' >\n", 2],
    ['<!DOCTYPE mirrors>\n', 1],
    ['<!-- by hand -->\n<!DOCTYPE mirrors>\n', 2],
    ['<?xml-stylesheet href="a.xsl"?>\n<!DOCTYPE mirrors>\n', 2],
  ])('%j without declarations of its own is passed over, and lines keep their numbers', (doctype, lines) => {
    const xml = `\ufeff<?xml version="1.0" encoding="UTF-8"?>\n${doctype}`;
    const { mirrors } = parseMirrorList(xml + one, null, { list: 'x', nowMs: 0 });
    expect(mirrors.map(({ name }) => name)).toEqual(['M']);
    const error = thrownBy(() => parseMirrorList(`${xml}<mirrors>\n</mirror>`, null, { list: 'x', nowMs: 0 }));
    expect((error as Error).message).toContain(`line ${lines + 3}:`);
  });

  test.each([
    '<!DOCTYPE m SYSTEM "a.dtd" [<!ENTITY a "aaaa">]>',
    '<!DOCTYPE m [ ]>',
    '<!DOCTYPE m><!DOCTYPE m>',
    '<!DOCTYPE m SYSTEM "a"><!ENTITY a "aaaa">',
    '<!DOCTYPE m SYSTEM "a" "b">',
    `<!DOCTYPE m SYSTEM "${'a'.repeat(2000)}">`,
    '<!doctype m>',
    '<!DOCTYPE>',
  ])('%j is refused', (doctype) => {
    const error = thrownBy(() => parseMirrorList(doctype + one, null, { list: 'x', nowMs: 0 }));
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toContain('declares a document type of its own');
  });

  const piece = fc.oneof(
    fc.constantFrom(
      '<mirrors>',
      '</mirrors>',
      '<mirrorgroup country="DE">',
      '</mirrorgroup>',
      '<mirror>',
      '</mirror>',
      '<mirror/>',
    ),
    fc.constantFrom(
      '<uri>',
      '</uri>',
      '<uri protocol="http">',
      'http://a.org/',
      '<name>',
      '</name>',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
    ),
    fc.constantFrom(
      '<?xml ',
      '?>',
      '&amp;',
      '&#xD800;',
      '&x;',
      '"',
      '\0',
      '<!DOCTYPE a>',
      '<!DOCTYPE a SYSTEM "b">',
      '<!DOCTYPE a [',
      '<uri a="',
      '<__proto__>',
      '<constructor>',
    ),
    fc.string({ maxLength: 8 }),
  );
  const leaf = fc.string({
    unit: fc.oneof(fc.constantFrom('http://', 'a', '.', '/', '\u202e', '&#27;', '\0'), fc.string({ maxLength: 2 })),
  });
  const wellFormed = fc
    .array(fc.tuple(leaf, leaf, fc.constantFrom('DE', 'XX')), { maxLength: 5 })
    .map((all) =>
      all.map(([name, path, country]) => group(country, mirror(name, uri(`http://a/${path}`), uri('http://b/')))),
    )
    .map((groups) => `<mirrors>${groups.join('')}</mirrors>`);
  const text = fc.oneof(
    wellFormed,
    fc.string({ unit: 'binary', maxLength: 100 }),
    fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join('')),
    fc
      .array(piece, { maxLength: 8 })
      .map((pieces) => `<mirrors><mirrorgroup country="DE">${pieces.join('')}</mirrorgroup></mirrors>`),
  );

  /** Whether it was read; nothing but what is wrong with it may be thrown. */
  function isList(xml: string): boolean {
    const error = thrownBy(() => {
      const { mirrors, notes } = parseMirrorList(xml, null, { list: 'x', nowMs: 0 });
      expect(JSON.stringify([mirrors, notes])).not.toMatch(/[\p{Cc}\p{Cs}\u202a-\u202e]/u);
    });
    if (error !== null && !(error instanceof UsageError) && !(error instanceof FormatError)) throw error;
    return error === null;
  }

  test('any text is a list or a usage error', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    let lists = 0;
    await fuzz(
      fc.property(text, (xml) => {
        if (isList(xml)) lists++;
      }),
    );
    expect(lists).toBeGreaterThan(100);
  });

  test('a list with bytes changed, taken out, put in and repeated', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    const whole = `<?xml version="1.0" encoding="UTF-8"?>\n<mirrors>\n${[
      group('DE', mirror('Größe &amp; Co', uri('https://a.org/gentoo/', 'partial="n"'), uri('rsync://a.org/gentoo/'))),
      '<!-- none of these -->',
      group('UK', mirror('Any (Anycast: London)', uri('ftp://b.org/'), uri('http://[2001:db8::1]:8080/x/'))),
    ].join('\n')}\n</mirrors>\n`;
    expect(isList(whole)).toBe(true);
    let lists = 0;
    await fuzz(
      fc.property(mutated([Buffer.from(whole)]), ({ bytes }) => {
        if (isList(bytes.toString('utf8'))) lists++;
      }),
    );
    expect(lists).toBeGreaterThan(100);
  });

  test.each([
    ['nested groups', '<mirrorgroup>', 1e5],
    ['comments that do not end', '<!--', 1e6],
    ['attributes', '<uri a="&amp;" />', 2e5],
    ['references', '&amp;', 5e5],
  ])('a flood of %s is read in seconds', (_, piece, times) => {
    const startedMs = performance.now();
    thrownBy(() => parseGroups(piece.repeat(times)));
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  test('many mirrors that share URLs in a chain are joined in seconds', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) =>
      mirror('M', uri(`http://a.org/${i}/`), uri(`http://a.org/${i + 1}/`)),
    );
    const startedMs = performance.now();
    expect(parseGroups(group('DE', ...chain)).mirrors).toHaveLength(1);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });
});
