import * as z from 'zod';
import { countryOf } from '../../core/countries.ts';
import { UsageError } from '../../core/errors.ts';
import { MOST_PREFIX_BYTES, MOST_PREFIXES, type Network, parseNetwork, prefixesOf } from '../../core/networks.ts';
import { HOST_KEY_SHA256 } from '../../core/node/sftp/place.ts';
import { parseToml } from '../../core/toml.ts';
import { allowed, numberFrom, someOf, table, truth } from '../../core/toml-values.ts';
import { parseSftpUrl, type SftpUrl } from './sftp-url.ts';

const country = z.string(allowed('a country like "DE"')).refine((code) => countryOf(code) !== null, {
  error: 'must be an ISO 3166-1 alpha-2 code in upper case, such as "DE"',
});
const countries = someOf(country, 'a list of countries like ["DE", "FR"]');
const place = z
  .strictObject(
    {
      country,
      latitude: numberFrom(-90, 90).optional(),
      longitude: numberFrom(-180, 180).optional(),
    },
    table,
  )
  .refine(({ latitude, longitude }) => (latitude === undefined) === (longitude === undefined), {
    error: 'latitude and longitude go together',
  });

const network = z
  .string(allowed('a network like "192.0.2.0/24"'))
  .refine((text) => typeof parseNetwork(text) !== 'string', {
    error: ({ input }) => parseNetwork(input as string) as string,
  });
const networks = someOf(network, 'a list of networks like ["192.0.2.0/24"]')
  .refine((some) => some.length <= MOST_PREFIXES && prefixCount(some) <= MOST_PREFIXES, {
    error: `must come to at most ${MOST_PREFIXES} prefixes of whole numbers (IPv4) or hex digits (IPv6): a /22 comes to four /24`,
  })
  .transform((some) => [...new Set(some.map((text) => (parseNetwork(text) as Network).cidr))]);

/** Networks that cannot be read count for nothing here: they are told of by themselves. */
function prefixCount(some: readonly string[]): number {
  return prefixesOf(some.filter((text) => typeof parseNetwork(text) !== 'string')).length;
}

const sftp = z
  .string(allowed('a URL sftp://user@host/path'))
  .refine((text) => typeof parseSftpUrl(text) !== 'string', {
    error: ({ input }) => parseSftpUrl(input as string) as string,
  })
  .transform((text) => parseSftpUrl(text) as SftpUrl);
const hostKey = z.string(allowed('the fingerprint "SHA256:…" of a host')).regex(HOST_KEY_SHA256, {
  error: 'must be the fingerprint "SHA256:…" that "ssh-keygen -l" prints for the host\'s key',
});

const mirrorOverride = z
  .strictObject(
    {
      id: z
        .string(allowed('a name for the mirror'))
        .max(100, allowed('a name of at most 100 characters'))
        .regex(
          /^[a-z0-9][a-z0-9._-]*$/,
          'must be lower-case letters, digits, ".", "_" and "-", a letter or digit first',
        )
        .optional(),
      weight: numberFrom(0.01, 100).optional(),
      places: someOf(place, 'a list of places like [{ country = "DE" }]').optional(),
      drained: truth.optional(),
      only: countries.optional(),
      never: countries.optional(),
      networks: networks.optional(),
      sftp: sftp.optional(),
      host_key: hostKey.optional(),
      excluded: z
        .string(allowed('a text that says why'))
        .min(1, 'must say why')
        .max(200, allowed('a text of at most 200 characters'))
        .optional(),
    },
    table,
  )
  .refine(({ networks, only, never }) => networks === undefined || (only === undefined && never === undefined), {
    error:
      'networks goes with neither only nor never: whoever is in one of the networks gets the mirror, wherever that is',
  })
  .refine(({ sftp, host_key }) => sftp === undefined || host_key !== undefined, {
    path: ['host_key'],
    error: 'sftp needs it: the fingerprint "SHA256:…" that "ssh-keygen -l" prints for the host\'s key',
  })
  .refine(({ sftp, host_key }) => sftp !== undefined || host_key === undefined, {
    path: ['sftp'],
    error: 'host_key needs it: a URL sftp://user@host/path',
  });

const overrides = z.strictObject({ mirror: z.record(z.string(), mirrorOverride, table).default({}) });

export type MirrorOverride = z.output<typeof mirrorOverride>;

/** What the overrides file says, by the id that the mirror has without it. */
export interface Overrides {
  /** The file, for messages. */
  readonly file: string;
  readonly mirrors: ReadonlyMap<string, MirrorOverride>;
}

/**
 * Reads the overrides file's text; every mistake in it is a UsageError with its line. All keys are optional:
 *
 *     [mirror."mirror.example.org"]        # by the id that the list alone gives
 *     id = "example"
 *     weight = 2.0                         # share of its tier's load, 0.01 to 100
 *     places = [{ country = "DE", latitude = 52.5, longitude = 13.4 }]
 *     drained = true                       # checked, but gets no viewers
 *     only = ["DE"]                        # viewers of these countries alone
 *     never = ["FR"]                       # no viewers of these countries
 *     networks = ["192.0.2.0/24"]          # viewers of these networks alone, and they before all others
 *     sftp = "sftp://user@host/path"       # where it is listed; viewers are never sent there
 *     host_key = "SHA256:…"                # of that host, as "ssh-keygen -l" prints it
 *     excluded = "asked to be left out"    # not used at all
 */
export function parseOverrides(text: string, file: string): Overrides {
  const mirrors = new Map(Object.entries(parseToml(text, overrides, file).mirror));
  const prefixes = new Set([...mirrors.values()].flatMap((one) => prefixesOf(one.networks ?? [])));
  const bytes = [...prefixes].reduce((sum, prefix) => sum + prefix.length + 1, 0);
  if (bytes > MOST_PREFIX_BYTES) {
    throw new UsageError(
      `${file}: networks: those of all mirrors together take ${bytes} bytes of the ${MOST_PREFIX_BYTES} that the edge has for them; join them to fewer, larger ones`,
    );
  }
  return { file, mirrors };
}

/** Throws UsageError where an entry is for none of `ids`; it names the nearest of them. */
export function requireKnown(overrides: Overrides, ids: readonly string[]): void {
  const known = new Set(ids);
  const problems = [...overrides.mirrors.keys()]
    .filter((key) => !known.has(key))
    .map((key) => {
      const near = nearest(key, ids, 3).map((id) => `"${id}"`);
      return `${overrides.file}: mirror.${JSON.stringify(key)}: no mirror of the list has that id; the nearest: ${near.join(', ')}`;
    });
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
}

function nearest(text: string, candidates: readonly string[], count: number): string[] {
  return candidates
    .map((candidate) => ({ candidate, distance: editDistance(text.slice(0, 200), candidate) }))
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** Levenshtein's: how many characters to insert, delete or replace. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
