import { createRequire } from 'node:module';

export interface Country {
  /** ISO 3166-1 alpha-2, upper case. */
  readonly code: string;
  readonly name: string;
  /** The country's middle, in degrees. */
  readonly latitude: number;
  readonly longitude: number;
}

// The package is CommonJS; its index is a JSON file.
const rows = createRequire(import.meta.url)('world-countries') as {
  cca2: string;
  name: { common: string };
  latlng: [number, number];
}[];

const countries: readonly Country[] = rows
  .map((row) => ({ code: row.cca2, name: row.name.common, latitude: row.latlng[0], longitude: row.latlng[1] }))
  .sort((a, b) => (a.code < b.code ? -1 : 1));
const byCode = new Map(countries.map((country) => [country.code, country]));

/** The country of an ISO 3166-1 alpha-2 code in upper case, or null. */
export function countryOf(code: string): Country | null {
  return byCode.get(code) ?? null;
}

/** All countries, by code. */
export function allCountries(): readonly Country[] {
  return countries;
}
