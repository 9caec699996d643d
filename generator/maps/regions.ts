import { allCountries } from '../../core/countries.ts';
import { DEFAULT_REGION } from '../../core/edge-keys.ts';
import { allSubdivisions } from '../../core/subdivisions.ts';
import type { Region } from './rank.ts';

/** All regions viewers can be in: the ISO countries, the parts of large ones, and the default for everybody else. */
export function allRegions(): readonly Region[] {
  const countries = allCountries().map((country) => regionOf(country.code, country.code, country));
  const parts = allSubdivisions().map((part) => regionOf(part.code, part.country, part));
  return [...countries, { code: DEFAULT_REGION, country: null, middle: null }, ...parts];
}

function regionOf(
  code: string,
  country: string,
  { latitude, longitude }: { latitude: number; longitude: number },
): Region {
  return { code, country, middle: { latitude, longitude } };
}
