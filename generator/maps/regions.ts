import { allCountries } from '../../core/countries.ts';
import { DEFAULT_REGION } from '../../core/edge-keys.ts';
import type { Region } from './rank.ts';

/** All regions viewers can be in: the ISO countries, and the default for everybody else. */
export function allRegions(): readonly Region[] {
  const countries = allCountries().map(({ code, latitude, longitude }) => ({ code, country: { latitude, longitude } }));
  return [...countries, { code: DEFAULT_REGION, country: null }];
}
