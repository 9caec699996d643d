import { describe, expect, it } from 'vitest';
import { decodeNumber, encodeNumber, RADIX } from '../../core/edge-keys.ts';
import { bucketCountFor, entryOf, MAX_VALUE_BYTES, packBuckets } from './buckets.ts';

const entries = (count: number, values: number) =>
  Array.from({ length: count }, (_, i) => entryOf(`distfiles/${i}.tar.xz`, 2 + 2 * (i % values)));

describe('numbers of the store', () => {
  it('come back, and sort as texts like they sort as numbers', () => {
    const numbers = [0, 1, 93, 94, 95, 8835, 8836, RADIX ** 5 - 1, RADIX ** 7 + 12345];
    const texts = numbers.map((value) => encodeNumber(value, 8));
    expect(texts.map((text) => decodeNumber(text, 0, 8))).toEqual(numbers);
    expect([...texts].sort()).toEqual(texts);
    expect(texts.join('')).toMatch(/^[!-~]*$/);
  });
});

describe('packBuckets', () => {
  it('stays within the store’s limits, at about 5 bytes an entry', () => {
    const count = bucketCountFor(50_000);
    const packed = packBuckets(entries(50_000, 6), count, '0');
    const bytes = packed?.keys.reduce((sum, [key, value]) => sum + key.length + value.length, 0) ?? 0;
    expect(bytes / 50_000).toBeLessThan(5.5);
    for (const [key, value] of packed?.keys ?? []) {
      expect(value.length).toBeLessThanOrEqual(MAX_VALUE_BYTES);
      expect(value).toMatch(/^[!-~]+$/);
      expect(key).toMatch(/^0[0-9a-z]+$/);
    }
  });

  it('takes wider records where a bucket has many classes, so that strangers are not taken for known', () => {
    const [, value] = packBuckets(entries(100, 50), 1, '0')?.keys[0] ?? [];
    expect(value?.charAt(0)).toBe('5');
    const [, many] = packBuckets(entries(100, 90), 1, '0')?.keys[0] ?? [];
    expect(many?.charAt(0)).toBe('6');
  });

  it('refuses where a bucket overflows', () => {
    expect(packBuckets(entries(300, 2), 1, '0')).toBeNull();
  });
});
