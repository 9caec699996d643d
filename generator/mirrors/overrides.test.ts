import { describe, expect, test } from 'vitest';
import { UsageError } from '../../core/errors.ts';
import { group, mirror, parseGroups, uri } from '../../test/mirror-list.ts';
import { thrownBy } from '../../test/thrown-by.ts';

const HOST_KEY = `SHA256:${'aB3+/'.repeat(9).slice(0, 43)}`;

describe('overrides', () => {
  const list = group(
    'US',
    mirror('A', uri('https://a.org/')),
    mirror('B', uri('https://b.org/')),
    mirror('C', uri('https://c.org/')),
  );

  test('change ids, weights, places, drain and exclude', () => {
    const { mirrors, notes } = parseGroups(
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
    const { mirrors } = parseGroups(
      list,
      '[mirror."a.org"]\nnetworks = ["192.0.2.0/24", "2001:DB8:0:0::/48", "2001:db8::/48"]',
    );
    expect(mirrors.map(({ networks }) => networks)).toEqual([['192.0.2.0/24', '2001:db8::/48'], undefined, undefined]);
  });

  test('name where a mirror is read over SFTP, the user apart from the URL', () => {
    const { mirrors } = parseGroups(
      list,
      `[mirror."a.org"]\nid = "anna"\nsftp = "sftp://check%40er@Files.A.org:22/srv/g%20t"\nhost_key = "${HOST_KEY}"`,
    );
    expect(mirrors[0]?.accessPoints.map(({ id }) => id)).toEqual(['anna.https', 'anna.sftp']);
    expect(mirrors[0]?.accessPoints[1]).toEqual({
      ...{ id: 'anna.sftp', mirrorId: 'anna', protocol: 'sftp', url: 'sftp://files.a.org/srv/g%20t/' },
      ...{ ipv4: false, ipv6: false, partial: false },
      login: { user: 'check@er', hostKeySha256: HOST_KEY },
    });
  });

  test.each([
    ['sftp://a.org/srv', 'must be sftp://user@host[:port]/path, without a password'],
    ['sftp://me:secret@a.org/srv', 'found "sftp://me:…@a.org/srv"; must be sftp://user@host'],
    ['https://me@a.org/srv', 'must be sftp://user@host'],
    ['sftp://me@a..org/srv', 'has no valid host'],
    ['sftp://me@a.org/srv?x', 'holds a query'],
    ['sftp://me@a.org/../srv', '".."'],
    ['sftp://me@b@a.org/', 'holds credentials'],
    ['sftp://me@a.org/%FF', 'must stand for UTF-8'],
    ['sftp://m%0Ae@a.org/', 'must stand for UTF-8'],
    ['sftp://me@a.org/%00', 'must stand for UTF-8'],
  ])('%s is no place over SFTP', (url, message) => {
    const error = thrownBy(() => parseGroups(list, `[mirror."a.org"]\nsftp = "${url}"\nhost_key = "${HOST_KEY}"`));
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(/^mirrors.toml:2: mirror."a.org".sftp: found/);
    expect((error as Error).message).toContain(message);
  });

  test.each([
    [
      '[mirror."a.org"]\nsftp = "sftp://me@a.org/srv"',
      'mirrors.toml:1: mirror."a.org".host_key: found nothing; sftp needs it: the fingerprint',
    ],
    [
      `[mirror."a.org"]\nhost_key = "${HOST_KEY}"`,
      'mirrors.toml:1: mirror."a.org".sftp: found nothing; host_key needs',
    ],
    ['[mirror."a.org"]\nsftp = "sftp://me@a.org/srv"\nhost_key = "MD5:00"', ':3: mirror."a.org".host_key: found "MD5'],
    [
      '[mirror."a.orgg"]',
      'mirrors.toml: mirror."a.orgg": no mirror of the list has that id; the nearest: "a.org", "b.org", "c.org"',
    ],
    ['[mirror."a.org"]\nid = "b.org"', 'mirrors.toml: two mirrors would have the id "b.org"'],
    [
      '[mirror."a.org"]\nwheight = 2',
      'mirrors.toml:2: mirror."a.org".wheight: unknown key; allowed here: id, weight, places, drained, only, never, networks, sftp, host_key, excluded',
    ],
    [
      '[mirror."a.org"]\nweight = 0',
      'mirrors.toml:2: mirror."a.org".weight: found 0; allowed: a number from 0.01 to 100',
    ],
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
    ['mirror = 5', 'mirrors.toml:1: mirror: found 5; allowed: a table of keys'],
    ['[mirror]\n"a.org" = 5', 'mirrors.toml:2: mirror."a.org": found 5; allowed: a table of keys'],
    ['[mirror."a.org"]\nplaces = [5]', 'places[1]: found 5; allowed: a table of keys'],
    [
      '[mirror."a.org"]\nplaces = [{ country = "DE", latitude = 91, longitude = 0 }]',
      'latitude: found 91; allowed: a number from -90 to 90',
    ],
    ...['id', 'weight', 'places', 'drained', 'only', 'never', 'networks', 'sftp', 'host_key', 'excluded'].map(
      (key): [string, string] => [
        `[mirror."a.org"]\n${key} = { }`,
        `mirrors.toml:2: mirror."a.org".${key}: found {}; allowed: `,
      ],
    ),
    ...['only', 'never', 'networks'].map((key): [string, string] => [
      `[mirror."a.org"]\n${key} = [1]`,
      'found 1; allowed: a ',
    ]),
  ])('%j is a usage error', (toml, message) => {
    const error = thrownBy(() => parseGroups(list, toml));
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toContain(message);
  });
});
