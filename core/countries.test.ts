import { expect, test } from 'vitest';
import { allCountries, countryOf } from './countries.ts';

test('a country is found by its code, with its middle', () => {
  expect(countryOf('DE')).toEqual({ code: 'DE', name: 'Germany', latitude: 51, longitude: 9 });
  expect(countryOf('NA')?.name).toBe('Namibia');
});

test.each(['UK', 'de', '', 'XX', '__proto__'])('%j is no country', (code) => {
  expect(countryOf(code)).toBeNull();
});

test('all countries have a code and a place on the globe, sorted by code', () => {
  const all = allCountries();
  expect(all.length).toBeGreaterThan(245);
  expect(all.map(({ code }) => code)).toEqual(all.map(({ code }) => code).sort());
  for (const { code, name, latitude, longitude } of all) {
    expect(code).toMatch(/^[A-Z]{2}$/);
    expect(name).not.toBe('');
    expect(Math.abs(latitude)).toBeLessThanOrEqual(90);
    expect(Math.abs(longitude)).toBeLessThanOrEqual(180);
  }
});
