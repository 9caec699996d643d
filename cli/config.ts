import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { DEFAULT_LIMITS, type HostLimits } from '../checker/net/host-budget.ts';
import { messageOf, UsageError } from '../core/errors.ts';
import { parseToml } from '../core/toml.ts';

/** The configuration with every default, as `redirector config --print-defaults` prints it. */
export const DEFAULTS_TEXT = `name = "Gentoo"                                  # the distribution, as the site calls it
fallback = "https://fallback.example.org/"       # where unknown objects go; required; it should answer http and https

[[inventory]]                                    # at least one; several make one tree
from = "/srv/gentoo"                             # a directory or rsync://host/module/; required
prefix = ""                                      # where that source lies in the tree

[mirrors]
list = "distfiles.xml"                           # file or URL, Gentoo's XML format
overrides = "mirrors.toml"                       # optional: ids, coordinates, weights, exclusions, drained

[check]
contact = ""                                     # a URL in our User-Agent, for administrators with questions
timeout = "10s"                                  # longest wait for one answer
expiry = "14d"                                   # evidence older than this counts for nothing
requests_per_second = 500                        # that one host is asked at most, over http and https together
connections = 4                                  # to one host at the same time
bytes_per_second = 2000000                       # to and from one host at most
`;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const duration = z
  .string({ error: 'allowed: a time like "10s", "15m", "6h", "14d"' })
  .regex(/^\d+(ms|s|m|h|d)$/, { error: 'allowed: a time like "10s", "15m", "6h", "14d"' })
  .transform((text) => Number.parseInt(text, 10) * (UNITS[text.replace(/^\d+/, '')] as number))
  .refine((ms) => ms > 0, { error: 'allowed: a time longer than nothing' });

function isWebUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '' && url.username === '' && url.hostname !== ''
  );
}

const text = (allowed: string) => z.string({ error: `allowed: ${allowed}` }).min(1, { error: `allowed: ${allowed}` });
const atLeastOne = z
  .int({ error: 'allowed: a whole number from 1' })
  .min(1, { error: 'allowed: a whole number from 1' });
const table = { error: 'allowed: a table of keys' };

const source = z.strictObject(
  {
    from: text('a directory, or a URL rsync://host/module/').refine(
      (from) => !/^[a-z0-9+.-]+:\/\//i.test(from) || /^rsync:\/\/[^/]+\/./i.test(from),
      {
        error: 'allowed: a directory, or a URL rsync://host/module/',
      },
    ),
    prefix: z
      .string({ error: 'allowed: a path in the tree like "distfiles", or ""' })
      .regex(/^([A-Za-z0-9_~+-][A-Za-z0-9._~+-]*(\/[A-Za-z0-9_~+-][A-Za-z0-9._~+-]*)*)?\/?$/, {
        error: 'allowed: a path in the tree like "distfiles", or ""',
      })
      .default(''),
  },
  table,
);

const schema = z.strictObject({
  name: text('the name of the distribution').default('Gentoo'),
  fallback: text('an http or https URL without query').refine(isWebUrl, {
    error: 'allowed: an http or https URL without query',
  }),
  inventory: z
    .array(source, { error: 'allowed: one or more [[inventory]] tables, each with "from"' })
    .min(1, { error: 'allowed: one or more [[inventory]] tables, each with "from"' }),
  mirrors: z
    .strictObject(
      {
        list: text('a file, or an http or https URL').default('distfiles.xml'),
        overrides: text('a file').optional(),
      },
      table,
    )
    .prefault({}),
  check: z
    .strictObject(
      {
        contact: z
          .string({ error: 'allowed: an http or https URL' })
          .refine((contact) => contact === '' || isWebUrl(contact), { error: 'allowed: an http or https URL' })
          .default(''),
        timeout: duration.prefault('10s'),
        expiry: duration.prefault('14d'),
        requests_per_second: atLeastOne.default(DEFAULT_LIMITS.requestsPerSecond),
        connections: atLeastOne
          .max(16, { error: 'allowed: a whole number from 1 to 16' })
          .default(DEFAULT_LIMITS.connections),
        bytes_per_second: atLeastOne.default(DEFAULT_LIMITS.bytesPerSecond),
      },
      table,
    )
    .prefault({}),
});

export interface Config {
  readonly name: string;
  readonly fallback: string;
  /** `from` is an absolute path or an rsync URL; `prefix` has no slash at its ends. */
  readonly sources: readonly { readonly from: string; readonly prefix: string }[];
  /** An absolute path or a URL. */
  readonly mirrorList: string;
  readonly overrides: string | null;
  /** A URL for administrators with questions, or ''. */
  readonly contact: string;
  readonly userAgent: string;
  readonly timeoutMs: number;
  readonly expiryMs: number;
  /** What a check may ask of one host. */
  readonly hostLimits: HostLimits;
}

const DEFAULT_OVERRIDES = 'mirrors.toml';

/**
 * Reads a configuration file; relative paths in it are relative to it. Throws UsageError with a line for each problem:
 * file, line, key, what was found, what is allowed.
 */
export function readConfig(file: string): Config {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(
      `${file}: cannot be read (${messageOf(error)}); "redirector config --print-defaults > ${file}" makes one to start from`,
    );
  }
  return parseConfig(content, file);
}

/** As `readConfig`, from the text. */
export function parseConfig(content: string, file: string): Config {
  const parsed = parseToml(content, schema, file);
  const folder = dirname(resolve(file));
  const isUrl = (place: string) => /^[a-z]+:\/\//i.test(place);
  const located = (place: string) => (isUrl(place) ? place : resolve(folder, place));
  const { timeout, expiry } = parsed.check;
  // As the URL parser writes it: without the line breaks that it forgives.
  const contact = parsed.check.contact === '' ? '' : new URL(parsed.check.contact).href;
  const fallback = new URL(parsed.fallback).href;
  const { list, overrides } = parsed.mirrors;
  const defaultOverrides = located(DEFAULT_OVERRIDES);
  return {
    name: parsed.name,
    fallback: fallback.endsWith('/') ? fallback : `${fallback}/`,
    sources: parsed.inventory.map(({ from, prefix }) => ({ from: located(from), prefix: prefix.replace(/\/$/, '') })),
    mirrorList: located(list),
    overrides: overrides !== undefined ? located(overrides) : existsSync(defaultOverrides) ? defaultOverrides : null,
    contact,
    userAgent: `redirector/1 (checks what this mirror holds${contact === '' ? '' : `; +${contact}`})`,
    timeoutMs: timeout,
    expiryMs: expiry,
    hostLimits: {
      connections: parsed.check.connections,
      requestsPerSecond: parsed.check.requests_per_second,
      bytesPerSecond: parsed.check.bytes_per_second,
    },
  };
}
