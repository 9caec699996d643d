import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MirrorList } from '../../core/mirror.ts';
import { group, mirror, parseGroups, uri } from '../../test/mirror-list.ts';

const ids = (list: MirrorList) => list.mirrors.map(({ id }) => id);
const points = (list: MirrorList) => list.mirrors.flatMap(({ accessPoints }) => accessPoints);

describe('ids', () => {
  test('mirrors that share a host are told apart by port and path, and all are safe as file names', () => {
    const list = parseGroups(
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
    const list = parseGroups(
      group('DE', mirror('A', uri('http://z.org/'), uri('http://b.org/'), uri('http://y.org/'))),
    );
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
      parseGroups(all.map(([country, name, uris]) => group(country, mirror(name, ...uris)))).mirrors;
    const property = fc.property(shuffledToo, ([all, shuffled]) => {
      const mirrors = parsed(all);
      expect(parsed(shuffled)).toEqual(mirrors);
      expect(new Set(mirrors.map(({ id }) => id)).size).toBe(mirrors.length);
    });
    fc.assert(property, { numRuns: 300 });
  });
});
