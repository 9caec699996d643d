import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError, UsageError } from '../../core/errors.ts';
import type { MirrorList } from '../../core/mirror.ts';
import { FUZZ_TIMEOUT_MS, fuzz, mutated } from '../../test/fuzzing.ts';
import { parseOverrides } from './overrides.ts';
import { parseMirrorList } from './parse-mirror-list.ts';

const uri = (url: string, attributes = '') => `<uri ${attributes}>${url}</uri>`;
const mirror = (name: string, ...uris: string[]) => `<mirror><name>${name}</name>${uris.join('')}</mirror>`;
const group = (country: string, ...mirrors: string[]) =>
  `<mirrorgroup region="R" country="${country}" countryname="C">${mirrors.join('\n')}</mirrorgroup>`;

function parse(groups: string | string[], toml?: string): MirrorList {
  const xml = `<?xml version="1.0" encoding="utf-8"?>\n<!-- vim: et -->\n<mirrors>${[groups].flat().join('\n')}</mirrors>`;
  const overrides = toml === undefined ? null : parseOverrides(toml, 'mirrors.toml');
  return parseMirrorList(xml, overrides, { list: 'distfiles.xml', nowMs: 5 });
}

const ids = (list: MirrorList) => list.mirrors.map(({ id }) => id);
const points = (list: MirrorList) => list.mirrors.flatMap(({ accessPoints }) => accessPoints);

test('a mirror has the host of its preferred URL as id, its access points by preference, and its country', () => {
  const attributes = 'protocol="rsync" ipv4="y" ipv6="y" partial="n"';
  const list = parse(
    group(
      'DE',
      mirror(
        'Técnico &amp; Söhne &#233;',
        uri('rsync://rsync.a.org/gentoo', attributes),
        uri('http://a.org/gentoo', 'ipv4="n" ipv6="n" partial="y" protocol="http"'),
        uri('https://A.org/gentoo/', 'protocol="https" ipv4="y" ipv6="y" partial="n"'),
      ),
    ),
  );
  const common = { mirrorId: 'a.org', ipv6: true, ipv4: true, partial: false };
  expect(list).toEqual({
    version: 1,
    takenAtMs: 5,
    notes: [],
    mirrors: [
      {
        id: 'a.org',
        name: 'Técnico & Söhne é',
        places: [{ country: 'DE', latitude: 51, longitude: 9 }],
        weight: 1,
        drained: false,
        accessPoints: [
          { ...common, id: 'a.org.https', protocol: 'https', url: 'https://a.org/gentoo/' },
          {
            ...common,
            id: 'a.org.http',
            protocol: 'http',
            url: 'http://a.org/gentoo/',
            ipv4: false,
            ipv6: false,
            partial: true,
          },
          { ...common, id: 'a.org.rsync', protocol: 'rsync', url: 'rsync://rsync.a.org/gentoo/' },
        ],
      },
    ],
  });
});

describe('oddities of the real list', () => {
  test('UK is read as GB and noted', () => {
    const list = parse(group('UK', mirror('A', uri('http://a.org/'))));
    expect(list.mirrors[0]?.places[0]?.country).toBe('GB');
    expect(list.notes).toEqual(['"A": country "UK" is no ISO 3166-1 code: read as GB']);
  });

  test('a mirror of several countries is one mirror with several places, and each URL one access point', () => {
    const https = uri('https://any.org/gentoo', 'ipv6="n"');
    const list = parse([
      group('FR', mirror('Big (Anycast: Paris, Roubaix)', https, uri('http://any.org/gentoo'))),
      group('CA', mirror('Big (Anycast: Washington, D.C.)', uri('https://any.org/gentoo/', 'ipv6="y" partial="y"'))),
      group('FR', mirror('Big (Anycast: Lyon)', https, https)),
      group('IT', mirror('Big', uri('http://any.org:80/gentoo/'))),
    ]);
    expect(list.mirrors).toHaveLength(1);
    expect(list.mirrors[0]).toMatchObject({ id: 'any.org', name: 'Big' });
    expect(list.mirrors[0]?.places.map(({ country }) => country)).toEqual(['CA', 'FR', 'IT']);
    expect(points(list).map(({ id, ipv6, partial }) => [id, ipv6, partial])).toEqual([
      ['any.org.https', true, true],
      ['any.org.http', false, false],
    ]);
    expect(list.notes).toEqual([]);
  });

  test('mirrors of one name are several mirrors', () => {
    expect(ids(parse(group('CA', mirror('CICKU', uri('http://ca.m/')), mirror('CICKU', uri('http://us.m/')))))).toEqual(
      ['ca.m', 'us.m'],
    );
  });

  test("the URL's scheme counts where the attribute says another, and that is noted", () => {
    const list = parse(
      group('VN', mirror('M', uri('https://m.net/', 'protocol="http"'), uri('rsync://m.net/x', 'protocol="ftp"'))),
    );
    expect(points(list).map(({ id }) => id)).toEqual(['m.net.https', 'm.net.rsync']);
    expect(list.notes).toEqual([
      '"M": https://m.net/ is listed as "http": read as https',
      '"M": rsync://m.net/x/ is listed as "ftp": read as rsync',
    ]);
  });

  test('comments are skipped, whatever they hold', () => {
    const hidden = `<!-- ${group('XX', mirror('H', uri('http://hidden.org/')))} <!DOCTYPE x> -->`;
    const list = parse([hidden, group('DE', hidden, mirror('A', uri('http://a.org/')), hidden)]);
    expect(ids(list)).toEqual(['a.org']);
    expect(list.notes).toEqual([]);
  });

  test('what can not be used is left out and named', () => {
    const list = parse([
      group(
        'DE',
        mirror('A', uri('http://a.org/'), uri('gopher://a.org/'), uri('http://a.org/\u202e')),
        mirror('B', uri('file:///b')),
      ),
      group('XX', mirror('C', uri('http://c.org/'))),
      group('DE', '<mirror/>'),
    ]);
    expect(ids(list)).toEqual(['a.org']);
    expect(list.notes).toEqual([
      '"A": "gopher://a.org/" has a protocol that is not supported (only https, http, rsync, ftp): left out',
      '"A": "http://a.org/\\u202e" holds characters that a URL may not hold: left out',
      '"B": "file:///b" has a protocol that is not supported (only https, http, rsync, ftp): left out',
      '"B" in DE has no URL that can be used: left out',
      '"" in DE has no URL that can be used: left out',
      '"C": country "XX" is not known: left out',
    ]);
  });

  test('a name is one line without control characters, bounded; without a name it is the host', () => {
    const list = parse(
      group(
        'DE',
        mirror(`x\u202e\n\u0007y${'é'.repeat(500)}`, uri('http://a.org/')),
        mirror(' ', uri('http://b.org/')),
      ),
    );
    expect(list.mirrors[0]?.name).toBe(`x y${'é'.repeat(117)}`);
    expect(list.mirrors[1]?.name).toBe('b.org');
  });
});

describe('ids', () => {
  test('mirrors that share a host are told apart by port and path, and all are safe as file names', () => {
    const list = parse(
      group(
        'DE',
        mirror('A', uri('https://h.org/gentoo')),
        mirror('B', uri('https://h.org/Other/Tree%2F')),
        mirror('C', uri('http://h.org:8000/gentoo')),
        mirror('D', uri('http://h.org/gentoo')),
        mirror('E', uri('http://[2001:db8::1]/')),
        mirror('F', uri('rsync://f_f.org/m'), uri('ftp://f_f.org/')),
      ),
    );
    expect(ids(list)).toEqual([
      '2001-db8-1',
      'f_f.org',
      'h.org-8000-gentoo',
      'h.org-gentoo',
      'h.org-gentoo-2',
      'h.org-other-tree-2f',
    ]);
    for (const { id } of points(list)) expect(id).toMatch(/^[a-z0-9][a-z0-9._-]*$/);
  });

  test('several access points of one protocol are numbered by their URLs', () => {
    const list = parse(group('DE', mirror('A', uri('http://z.org/'), uri('http://b.org/'), uri('http://y.org/'))));
    expect(points(list).map(({ id, url }) => `${id} ${url}`)).toEqual([
      'b.org.http http://b.org/',
      'b.org.http-2 http://y.org/',
      'b.org.http-3 http://z.org/',
    ]);
  });

  test('the order of the list changes nothing', () => {
    const url = fc
      .tuple(
        fc.constantFrom('http', 'https', 'ftp'),
        fc.constantFrom('a.org', 'b.org', 'b.org:81'),
        fc.constantFrom('', '/x', '/x-2', '/X'),
      )
      .map(([scheme, host, path]) => uri(`${scheme}://${host}${path}`));
    const listed = fc.tuple(
      fc.constantFrom('DE', 'FR'),
      fc.constantFrom('M', 'N (Anycast: x)'),
      fc.array(url, { minLength: 1, maxLength: 3 }),
    );
    const shuffledToo = fc.array(listed, { minLength: 1, maxLength: 6 }).chain((all) => {
      return fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }));
    });
    const parsed = (all: [string, string, string[]][]) =>
      parse(all.map(([country, name, uris]) => group(country, mirror(name, ...uris)))).mirrors;
    const property = fc.property(shuffledToo, ([all, shuffled]) => {
      const mirrors = parsed(all);
      expect(parsed(shuffled)).toEqual(mirrors);
      expect(new Set(mirrors.map(({ id }) => id)).size).toBe(mirrors.length);
    });
    fc.assert(property, { numRuns: 300 });
  });
});

describe('overrides', () => {
  const list = group(
    'US',
    mirror('A', uri('https://a.org/')),
    mirror('B', uri('https://b.org/')),
    mirror('C', uri('https://c.org/')),
  );

  test('change ids, weights, places, drain and exclude', () => {
    const { mirrors, notes } = parse(
      list,
      `[mirror."a.org"]
       id = "anna"
       weight = 2.5
       places = [{ country = "DE", latitude = 52.5, longitude = 13.4 }, { country = "FR" }]
       [mirror."b.org"]
       drained = true
       only = ["DE"]
       never = ["FR", "IT"]
       [mirror."c.org"]
       excluded = "asked to be left out"`,
    );
    expect(mirrors).toMatchObject([
      {
        id: 'anna',
        weight: 2.5,
        drained: false,
        places: [
          { country: 'DE', latitude: 52.5, longitude: 13.4 },
          { country: 'FR', latitude: 46, longitude: 2 },
        ],
        accessPoints: [{ id: 'anna.https', mirrorId: 'anna' }],
      },
      { id: 'b.org', weight: 1, drained: true, only: ['DE'], never: ['FR', 'IT'] },
    ]);
    expect(notes).toEqual(['c.org is excluded: "asked to be left out"']);
  });

  test('give a mirror to networks alone, written as CIDR has it', () => {
    const { mirrors } = parse(
      list,
      '[mirror."a.org"]\nnetworks = ["192.0.2.0/24", "2001:DB8:0:0::/48", "2001:db8::/48"]',
    );
    expect(mirrors.map(({ networks }) => networks)).toEqual([['192.0.2.0/24', '2001:db8::/48'], undefined, undefined]);
  });

  test.each([
    [
      '[mirror."a.orgg"]',
      'mirrors.toml: mirror."a.orgg": no mirror of the list has that id; the nearest: "a.org", "b.org", "c.org"',
    ],
    ['[mirror."a.org"]\nid = "b.org"', 'mirrors.toml: two mirrors would have the id "b.org"'],
    [
      '[mirror."a.org"]\nwheight = 2',
      'mirrors.toml:2: mirror."a.org".wheight: unknown key; allowed here: id, weight, places, drained, only, never, networks, excluded',
    ],
    ['[mirror."a.org"]\nweight = 0', 'mirrors.toml:2: mirror."a.org".weight: found 0; '],
    ['[mirror."a.org"]\nid = "../x"', 'mirrors.toml:2: mirror."a.org".id: found "../x"; must be lower-case'],
    [
      '[mirror."a.org"]\nplaces = [\n{ country = "DE" },\n{ country = "UK" }]',
      'mirrors.toml:4: mirror."a.org".places[2].country: found "UK"; must be an ISO',
    ],
    ['[mirror."a.org"]\nplaces = [{ country = "DE", latitude = 1 }]', 'latitude and longitude go together'],
    ['[mirror."a.org"]\nonly = []', 'mirrors.toml:2: mirror."a.org".only: '],
    ['[mirror."a.org"]\nnever = ["UK"]', 'mirrors.toml:2: mirror."a.org".never[1]: found "UK"; must be an ISO'],
    ['[mirror."a.org"]\nnetworks = []', 'mirrors.toml:2: mirror."a.org".networks: '],
    [
      '[mirror."a.org"]\nnetworks = [\n"192.0.2.0/24",\n"192.0.2.1/24"]',
      'mirrors.toml:4: mirror."a.org".networks[2]: found "192.0.2.1/24"; has bits set behind its first 24',
    ],
    [
      '[mirror."a.org"]\nnetworks = ["10.0.0.0/11"]',
      'mirrors.toml:2: mirror."a.org".networks: found [\\"10.0.0.0/11\\"]; must come to at most 16 prefixes',
    ],
    ['[mirror."a.org"]\nnetworks = ["10.0.0.0/8"]\nnever = ["FR"]', 'mirrors.toml:1: mirror."a.org": found'],
    [
      ['a.org', 'b.org', 'c.org'].map((id, n) => `[mirror."${id}"]\nnetworks = ["2001:db8:${n}:800::/53"]`).join('\n'),
      'mirrors.toml: networks: those of all mirrors together take 360 bytes of the 320',
    ],
    ['[mirror."a.org"]\nexcluded = true', 'mirrors.toml:2: mirror."a.org".excluded: found true; '],
    ['x', 'mirrors.toml:1: not valid TOML'],
  ])('%j is a usage error', (toml, message) => {
    const error = thrownBy(() => parse(list, toml));
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toContain(message);
  });
});

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return null;
}

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
    thrownBy(() => parse(piece.repeat(times)));
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  test('many mirrors that share URLs in a chain are joined in seconds', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) =>
      mirror('M', uri(`http://a.org/${i}/`), uri(`http://a.org/${i + 1}/`)),
    );
    const startedMs = performance.now();
    expect(parse(group('DE', ...chain)).mirrors).toHaveLength(1);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });
});
