import { describe, expect, it } from 'vitest';
import { encodeNumber } from '../core/edge-keys.ts';
import { findInBucket, fingerprintOf, fingerprintSpace } from '../core/look-up.ts';
import { type Entry, entryOf, falseKnownRate } from '../generator/maps/buckets.ts';

describe('a name that does not exist', () => {
  it.each(['made-up/', 'made-up/ab/'])('in %s is taken for known as rarely as is worked out', (folder) => {
    // A bucket of two digits a record: the same scheme as the real one's five, and mistaken so often that it can be counted.
    const space = fingerprintSpace(2, 4);
    const fingerprint = ({ pathHash, slot }: Entry) => fingerprintOf(pathHash, slot, space);
    const fingerprints = Array.from({ length: 100 }, (_, i) => fingerprint(entryOf(`real/${i}`, 0)));
    const records = [...new Set(fingerprints)].sort((a, b) => a - b).map((number) => encodeNumber(number * 4, 2));
    const head = `2${encodeNumber(4, 2)}${[4, 8, 12, 16].map((value) => encodeNumber(value, 2)).join('')}`;
    const text = head + records.join('');
    const names = 200_000;
    let known = 0;
    for (let i = 0; i < names; i++) {
      const { pathHash, slot } = entryOf(`${folder}${i}`, 0);
      if (findInBucket(text, pathHash, slot) !== null) known++;
    }
    const rate = falseKnownRate([['00', text]], 1);
    expect(rate).toBeGreaterThan(0.04);
    // Some 10,000 are expected: four standard deviations are 4 %. In a folder the first numbers are never asked for.
    const tolerance = folder === 'made-up/' ? 0.045 : 0.2;
    expect(Math.abs(known / names / rate - 1)).toBeLessThan(tolerance);
  });
});
