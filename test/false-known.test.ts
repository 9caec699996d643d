import { describe, expect, it } from 'vitest';
import { encodeNumber, RADIX } from '../core/edge-keys.ts';
import { findInBucket } from '../edge-shim/decide.ts';
import { entryOf, falseKnownRate } from '../generator/maps/buckets.ts';

describe('a name that does not exist', () => {
  it('is taken for known as rarely as is worked out', () => {
    // A bucket of two digits a record: the same scheme as the real one's five, and mistaken so often that it can be counted.
    const space = Math.floor(RADIX ** 2 / 4);
    const fingerprints = Array.from({ length: 100 }, (_, i) => entryOf(`real/${i}`, 0).fingerprint % space);
    const records = [...new Set(fingerprints)]
      .sort((a, b) => a - b)
      .map((fingerprint) => encodeNumber(fingerprint * 4, 2));
    const head = `2${encodeNumber(4, 2)}${[2, 4, 6, 8].map((value) => encodeNumber(value, 2)).join('')}`;
    const text = head + records.join('');
    const names = 200_000;
    let known = 0;
    for (let i = 0; i < names; i++) if (findInBucket(text, entryOf(`made-up/${i}`, 0).fingerprint) >= 0) known++;
    const rate = falseKnownRate([['00', text]], 1);
    expect(rate).toBeGreaterThan(0.04);
    // Nearly 9,000 are expected: four standard deviations are 4.2 %.
    expect(Math.abs(known / names / rate - 1)).toBeLessThan(0.045);
  });
});
