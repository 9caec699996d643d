import { describe, expect, test } from 'vitest';
import { UsageError } from '../../core/errors.ts';
import { group, mirror, parseGroups, uri } from '../../test/mirror-list.ts';
import { thrownBy } from '../../test/thrown-by.ts';

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
    const error = thrownBy(() => parseGroups(list, toml));
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toContain(message);
  });
});
