import { createRequire } from 'node:module';
import { allCountries } from '../../core/countries.ts';

/** So many people live in a country. */
export interface Populace {
  /** ISO 3166-1 alpha-2. */
  readonly code: string;
  readonly people: number;
}

export interface Populations {
  readonly countries: readonly Populace[];
  /** Names of figures that are of no country of their own, or of one that is there already. */
  readonly leftOut: readonly string[];
  /** Names of countries without a figure. */
  readonly unknown: readonly string[];
}

/** Names that the figures spell otherwise than ISO 3166-1 does in English. */
const SPELT: Readonly<Record<string, string>> = {
  'Fiji Islands': 'FJ',
  'Netherlands Antilles': 'CW',
  'The Democratic Republic of Congo': 'CD',
  Turkey: 'TR',
};

interface Figure {
  readonly country: string;
  readonly population: number | null;
}

interface Names {
  readonly cca2: string;
  readonly name: { readonly common: string; readonly official: string };
  readonly altSpellings: readonly string[];
}

/** People per country by the package country-json (World Bank, 2018), by the ISO codes of world-countries. */
export function populations(): Populations {
  const require = createRequire(import.meta.url);
  const figures = require('country-json/src/country-by-population.json') as readonly Figure[];
  const codeOf = codesByName(require('world-countries') as readonly Names[]);
  const countries = figures.flatMap(({ country, population }) => {
    const code = SPELT[country] ?? codeOf.get(country.toLowerCase());
    return code === undefined || !population ? [] : [{ code, people: population }];
  });
  const codes = new Set(countries.map(({ code }) => code));
  const named = ({ country }: Figure) => SPELT[country] ?? codeOf.get(country.toLowerCase());
  return {
    countries,
    leftOut: figures.filter((figure) => named(figure) === undefined).map(({ country }) => country),
    unknown: allCountries()
      .filter(({ code }) => !codes.has(code))
      .map(({ name }) => name),
  };
}

function codesByName(countries: readonly Names[]): ReadonlyMap<string, string> {
  const codes = new Map<string, string>();
  // A common name counts more than another country's other spelling.
  for (const { cca2, altSpellings } of countries) for (const name of altSpellings) codes.set(name.toLowerCase(), cca2);
  for (const { cca2, name } of countries) codes.set(name.official.toLowerCase(), cca2);
  for (const { cca2, name } of countries) codes.set(name.common.toLowerCase(), cca2);
  return codes;
}
