import { expect, test } from 'vitest';
import { grouped } from './grouped.ts';

test('sets thousands apart as English does', () => {
  for (const value of [0, 7, 999, 1000, 12_345, 123_456, 1_234_567, 66_000_000_123, -999, -1000, -123_456]) {
    expect(grouped(value)).toBe(value.toLocaleString('en'));
  }
});
