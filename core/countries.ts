import { createRequire } from 'node:module';
import type { Countries } from 'world-countries';

export interface Country {
  /** ISO 3166-1 alpha-2, upper case. */
  readonly code: string;
  /** In English. */
  readonly name: string;
  /** Degrees, of the country's middle. */
  readonly latitude: number;
  readonly longitude: number;
}

let byCode: ReadonlyMap<string, Country> | null = null;

/** Read when first asked for: most commands ask for none, and it is a megabyte of JSON. */
function countries(): ReadonlyMap<string, Country> {
  if (byCode !== null) return byCode;
  // The package's module entry imports JSON without an attribute, which Node refuses; its CommonJS entry works.
  const all = createRequire(import.meta.url)('world-countries') as Countries;
  const sorted = all
    .map(({ cca2, name, latlng: [latitude, longitude] }) => ({ code: cca2, name: name.common, latitude, longitude }))
    .sort((a, b) => (a.code < b.code ? -1 : 1));
  byCode = new Map(sorted.map((country) => [country.code, country]));
  return byCode;
}

/** The country of an upper-case ISO 3166-1 alpha-2 code, or null where no country has it. */
export function countryOf(code: string): Country | null {
  return countries().get(code) ?? null;
}

/** All of them, by code. */
export function allCountries(): readonly Country[] {
  return [...countries().values()];
}
