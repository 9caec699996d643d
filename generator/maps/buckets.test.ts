import { describe, expect, it } from 'vitest';
import { decodeNumber, encodeNumber, RADIX } from '../../core/edge-keys.ts';
import { classIdsIn } from '../../core/look-up.ts';
import { bucketCountFor, entryOf, falseKnownRate, MAX_VALUE_BYTES, packBuckets } from './buckets.ts';

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

  it('lets one full bucket be mistaken a little more often, rather than overflow', () => {
    // 170 entries in 50 classes: records of six digits are too long, and the other buckets make up for it.
    const full = entries(170, 50).map((entry) => ({ ...entry, bucketHash: 0 }));
    const spare = entries(600, 2).map((entry, i) => ({ ...entry, bucketHash: 1 + (i % 9) }));
    const [, value] = packBuckets([...full, ...spare], 10, '0')?.keys[0] ?? [];
    expect(value?.charAt(0)).toBe('5');
    expect(packBuckets(full, 1, '0')).toBeNull();
  });

  it('writes what tells the class of every record', () => {
    const some = entries(170, 50);
    const found = packBuckets(some, 2, '0')?.keys.flatMap(([, value]) => classIdsIn(value)) ?? [];
    const inOrder = (ids: readonly number[]) => [...ids].sort((a, b) => a - b);
    expect(inOrder(found)).toEqual(inOrder(some.map(({ classId }) => classId)));
    for (const torn of ['', '-', '5', '5!', 'x'.repeat(40)]) expect(classIdsIn(torn)).toEqual([]);
  });

  it('refuses where a bucket overflows', () => {
    expect(packBuckets(entries(300, 2), 1, '0')).toBeNull();
  });

  it('takes a name that does not exist for known at most once in 1,000,000 times, however many classes a bucket has', () => {
    for (const values of [1, 6, 40, 300]) {
      const count = bucketCountFor(30_000) + (values > 100 ? 200 : 0);
      const packed = packBuckets(entries(30_000, values), count, '0');
      expect(falseKnownRate(packed?.keys ?? [], count), `${values} classes`).toBeLessThanOrEqual(1e-6);
    }
  });
});
