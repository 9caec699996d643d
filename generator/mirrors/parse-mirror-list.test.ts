import { describe, expect, test } from 'vitest';
import type { MirrorList } from '../../core/mirror.ts';
import { group, mirror, parseGroups, uri } from '../../test/mirror-list.ts';

const ids = (list: MirrorList) => list.mirrors.map(({ id }) => id);
const points = (list: MirrorList) => list.mirrors.flatMap(({ accessPoints }) => accessPoints);

test('a mirror has the host of its preferred URL as id, its access points by preference, and its country', () => {
  const attributes = 'protocol="rsync" ipv4="y" ipv6="y" partial="n"';
  const list = parseGroups(
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
    const list = parseGroups(group('UK', mirror('A', uri('http://a.org/'))));
    expect(list.mirrors[0]?.places[0]?.country).toBe('GB');
    expect(list.notes).toEqual(['"A": country "UK" is no ISO 3166-1 code: read as GB']);
  });

  test('a mirror of several countries is one mirror with several places, and each URL one access point', () => {
    const https = uri('https://any.org/gentoo', 'ipv6="n"');
    const list = parseGroups([
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
    expect(
      ids(parseGroups(group('CA', mirror('CICKU', uri('http://ca.m/')), mirror('CICKU', uri('http://us.m/'))))),
    ).toEqual(['ca.m', 'us.m']);
  });

  test("the URL's scheme counts where the attribute says another, and that is noted", () => {
    const list = parseGroups(
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
    const list = parseGroups([hidden, group('DE', hidden, mirror('A', uri('http://a.org/')), hidden)]);
    expect(ids(list)).toEqual(['a.org']);
    expect(list.notes).toEqual([]);
  });

  test('what can not be used is left out and named', () => {
    const list = parseGroups([
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
    const list = parseGroups(
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
