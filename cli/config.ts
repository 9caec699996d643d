import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { DEFAULT_LIMITS, type HostLimits } from '../checker/net/host-budget.ts';
import { messageOf, UsageError } from '../core/errors.ts';
import type { SftpAccess } from '../core/node/sftp/place.ts';
import type { StorePlace } from '../core/node/store/open-store.ts';
import { parseToml, tomlText } from '../core/toml.ts';
import { table, text } from '../core/toml-values.ts';
import { EDGE_DEFAULTS_TEXT, type EdgeConfig, edgeSchema } from './config-edge.ts';
import { PUBLISH_DEFAULTS_TEXT, type PublishConfig, publishConfigOf, publishSchema } from './config-publish.ts';
import { accessOf, sftpKeys, sftpProblems } from './config-sftp.ts';
import { atLeastOne, duration, isWebUrl } from './config-values.ts';
import { VANTAGE_DEFAULTS_TEXT, type VantageConfig, vantagesOf, vantagesSchema } from './config-vantage.ts';

/** The configuration with every default, as `redirector config --print-defaults` prints it. */
export const DEFAULTS_TEXT = `name = "Gentoo"                                  # the distribution, as the site calls it
fallback = "https://fallback.example.org/"       # where unknown objects go; required; it should answer http and https

${EDGE_DEFAULTS_TEXT}
[[inventory]]                                    # at least one; several make one tree
from = "/srv/gentoo"                             # a directory, rsync://host/module/ or sftp://user@host/path; required
prefix = ""                                      # where that source lies in the tree

[mirrors]
list = "distfiles.xml"                           # file or URL, Gentoo's XML format
# overrides = "mirrors.toml"                     # ids, coordinates, weights, exclusions, drained; read where it is there

[check]
contact = ""                                     # a URL in our User-Agent, for administrators with questions
timeout = "10s"                                  # longest wait for one answer
expiry = "14d"                                   # evidence older than this counts for nothing
period = "7d"                                    # in which every object is proven anew everywhere
checkpoint = "30s"                               # how often a check writes down what it has found so far
requests_per_second = 500                        # that one host is asked at most, over all protocols together
connections = 4                                  # to one host at the same time
bytes_per_second = 2000000                       # to and from one host at most
# key = "id_ed25519"                             # a private key for mirrors over sftp; else the ssh-agent's
${VANTAGE_DEFAULTS_TEXT}
# Where machines that keep nothing keep what they find ("state pull", "state push"): a folder, or over SFTP.
# [store]
# at = "sftp://redirector@store.example.org/srv/state"
# host_key = "SHA256:..."                        # the host's, as "ssh-keygen -l" prints it
# key = "id_ed25519"                             # a private key; else that in REDIRECTOR_STORE_KEY, or the ssh-agent's
${PUBLISH_DEFAULTS_TEXT}`;

const FROM = 'a directory, or a URL rsync://host/module/ or sftp://user@host/path';
const FROM_URL = /^(rsync:\/\/[^/]+\/.|sftp:\/\/[^/@:]+@[^/@]+\/)/i;
const STORE_AT = 'a folder, or a URL sftp://user@host/path';

const source = z
  .strictObject(
    {
      from: text(FROM).refine((from) => !/^[a-z0-9+.-]+:\/\//i.test(from) || FROM_URL.test(from), {
        error: `allowed: ${FROM}`,
      }),
      prefix: z
        .string({ error: 'allowed: a path in the tree like "distfiles", or ""' })
        .regex(/^([A-Za-z0-9_~+-][A-Za-z0-9._~+-]*(\/[A-Za-z0-9_~+-][A-Za-z0-9._~+-]*)*)?\/?$/, {
          error: 'allowed: a path in the tree like "distfiles", or ""',
        })
        .default(''),
      ...sftpKeys,
    },
    table,
  )
  .superRefine(({ from, ...keys }, context) => {
    for (const problem of sftpProblems(from, keys)) context.addIssue({ code: 'custom', ...problem });
  });

const store = z
  .strictObject(
    {
      at: text(STORE_AT).refine((at) => !/^[a-z0-9+.-]+:\/\//i.test(at) || /^sftp:\/\/[^/@:]+@[^/@]+\/./i.test(at), {
        error: `allowed: ${STORE_AT}`,
      }),
      ...sftpKeys,
    },
    table,
  )
  .superRefine(({ at, ...keys }, context) => {
    for (const problem of sftpProblems(at, keys)) context.addIssue({ code: 'custom', ...problem });
  });

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
        period: duration.optional(),
        checkpoint: duration.prefault('30s'),
        requests_per_second: atLeastOne.default(DEFAULT_LIMITS.requestsPerSecond),
        connections: atLeastOne
          .max(16, { error: 'allowed: a whole number from 1 to 16' })
          .default(DEFAULT_LIMITS.connections),
        bytes_per_second: atLeastOne.default(DEFAULT_LIMITS.bytesPerSecond),
        key: sftpKeys.key,
      },
      table,
    )
    .superRefine(({ period, expiry }, context) => {
      if (period === undefined || period <= expiry) return;
      context.addIssue({ code: 'custom', path: ['period'], message: 'allowed: a time not longer than check.expiry' });
    })
    .prefault({}),
  edge: edgeSchema,
  vantage: vantagesSchema,
  store: store.optional(),
  publish: publishSchema,
});

export interface Config {
  readonly name: string;
  readonly fallback: string;
  /** `from` is an absolute path or a URL; `prefix` has no slash at its ends; `access` is there for sftp alone. */
  readonly sources: readonly {
    readonly from: string;
    readonly prefix: string;
    readonly access?: SftpAccess;
  }[];
  /** An absolute path or a URL. */
  readonly mirrorList: string;
  readonly overrides: string | null;
  /** A URL for administrators with questions, or ''. */
  readonly contact: string;
  readonly userAgent: string;
  readonly timeoutMs: number;
  readonly expiryMs: number;
  /** In which every object is proven anew; at most `expiryMs`. */
  readonly periodMs: number;
  readonly checkpointMs: number;
  /** The file of the private key that enters mirrors over SFTP; null = what the ssh-agent holds. */
  readonly sftpKeyFile: string | null;
  readonly edge: EdgeConfig;
  /** In the order of the file, no name twice. */
  readonly vantages: readonly VantageConfig[];
  /** Where state is kept between runs; null = in the output folder alone. */
  readonly store: StorePlace | null;
  /** What a check may ask of one host. */
  readonly hostLimits: HostLimits;
  readonly publish: PublishConfig;
}

const DEFAULT_PERIOD_MS = 7 * 86_400_000;
const DEFAULT_OVERRIDES = 'mirrors.toml';

/**
 * Reads a configuration file; relative paths in it are relative to it. Throws UsageError with a line for each problem:
 * file, line, key, what was found, what is allowed.
 */
export function readConfig(file: string): Config {
  let content: Uint8Array;
  try {
    content = readFileSync(file);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const wayOut = isMissing
      ? `"redirector config --print-defaults > ${file}" makes one to start from`
      : 'name a file that can be with --config';
    throw new UsageError(`${file}: cannot be read (${messageOf(error)}); ${wayOut}`);
  }
  return parseConfig(tomlText(content, file), file);
}

/** As `readConfig`, from the text. */
export function parseConfig(content: string, file: string): Config {
  const parsed = parseToml(content, schema, file);
  const folder = dirname(resolve(file));
  const isUrl = (place: string) => /^[a-z]+:\/\//i.test(place);
  const located = (place: string) => (isUrl(place) ? place : resolve(folder, place));
  const { timeout, expiry, period, checkpoint } = parsed.check;
  // As the URL parser writes it: without the line breaks that it forgives.
  const contact = parsed.check.contact === '' ? '' : new URL(parsed.check.contact).href;
  const fallback = new URL(parsed.fallback).href;
  const { list, overrides } = parsed.mirrors;
  const defaultOverrides = located(DEFAULT_OVERRIDES);
  return {
    name: parsed.name,
    fallback: fallback.endsWith('/') ? fallback : `${fallback}/`,
    sources: parsed.inventory.map(({ from, prefix, ...keys }) => ({
      from: located(from),
      prefix: prefix.replace(/\/$/, ''),
      ...accessOf(keys, located),
    })),
    mirrorList: located(list),
    overrides: overrides !== undefined ? located(overrides) : existsSync(defaultOverrides) ? defaultOverrides : null,
    contact,
    userAgent: `redirector/1 (checks what this mirror holds${contact === '' ? '' : `; +${contact}`})`,
    timeoutMs: timeout,
    expiryMs: expiry,
    periodMs: period ?? Math.min(DEFAULT_PERIOD_MS, expiry),
    checkpointMs: checkpoint,
    sftpKeyFile: parsed.check.key === undefined ? null : located(parsed.check.key),
    edge: parsed.edge,
    vantages: vantagesOf(parsed.vantage),
    store: parsed.store === undefined ? null : { at: located(parsed.store.at), ...accessOf(parsed.store, located) },
    hostLimits: {
      connections: parsed.check.connections,
      requestsPerSecond: parsed.check.requests_per_second,
      bytesPerSecond: parsed.check.bytes_per_second,
    },
    publish: publishConfigOf(parsed.publish, located),
  };
}
