import * as z from 'zod';
import { countryOf } from '../core/countries.ts';
import { quoted, UsageError } from '../core/errors.ts';
import { table } from '../core/toml-values.ts';
import { atLeastOne, name, twinProblems } from './config-values.ts';

/** The tables `[[vantage]]`, as `redirector config --print-defaults` shows them. */
export const VANTAGE_DEFAULTS_TEXT = `
# Where checks run, if from several places; each checks the mirrors that are nearest to it ("check --vantage eu-west").
# [[vantage]]
# name = "eu-west"
# country = "IE"                                 # or latitude and longitude, in degrees
# overlap = 2                                    # also those to which it is the second nearest, for cross-checking
`;

const COUNTRY = 'allowed: an ISO 3166-1 code like "IE"';
const WHERE_IS_IT = 'allowed: either country, or latitude and longitude';

const degrees = (most: number) => {
  const error = `allowed: degrees from -${most} to ${most}`;
  return z.number({ error }).min(-most, { error }).max(most, { error });
};

const vantage = z
  .strictObject(
    {
      name,
      country: z
        .string({ error: COUNTRY })
        .refine((code) => countryOf(code) !== null, { error: COUNTRY })
        .optional(),
      latitude: degrees(90).optional(),
      longitude: degrees(180).optional(),
      overlap: atLeastOne.default(2),
    },
    table,
  )
  .superRefine(({ country, latitude, longitude }, context) => {
    const isRight =
      country === undefined
        ? latitude !== undefined && longitude !== undefined
        : latitude === undefined && longitude === undefined;
    if (!isRight) context.addIssue({ code: 'custom', path: ['country'], message: WHERE_IS_IT });
  });

/** `[[vantage]]`. */
export const vantagesSchema = z
  .array(vantage, { error: 'allowed: [[vantage]] tables, each with "name"' })
  .superRefine((all, context) => {
    for (const problem of twinProblems(all)) context.addIssue({ code: 'custom', ...problem });
  })
  .default([]);

export interface VantageConfig {
  readonly name: string;
  /** Degrees; those of the country's middle where that alone is told. */
  readonly latitude: number;
  readonly longitude: number;
  readonly overlap: number;
}

export function vantagesOf(parsed: z.infer<typeof vantagesSchema>): VantageConfig[] {
  return parsed.map(({ name, country, latitude = 0, longitude = 0, overlap }) => {
    const place = country === undefined ? null : countryOf(country);
    return { name, latitude: place?.latitude ?? latitude, longitude: place?.longitude ?? longitude, overlap };
  });
}

/** Throws UsageError where the configuration has no vantage of that name. */
export function throwUnlessVantage(name: string, { vantages }: { readonly vantages: readonly VantageConfig[] }): void {
  if (vantages.some((vantage) => vantage.name === name)) return;
  const names = vantages.map((vantage) => vantage.name).join(', ');
  const way = names === '' ? 'the configuration has no [[vantage]]' : `there are: ${names}`;
  throw new UsageError(`--vantage ${quoted(name)}: no such vantage; ${way}`);
}
