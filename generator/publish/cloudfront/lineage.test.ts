import { describe, expect, it } from 'vitest';
import { fleetEvidence } from '../../../test/fleet.ts';
import { inventoryOf, mapsOf } from '../../../test/small-build.ts';
import { applied, planKeys } from './key-plan.ts';
import { mixingOf } from './lineage.ts';

const names = Array.from({ length: 400 }, (_, i) => `distfiles/file-${i}`);
const fleet = fleetEvidence(names.length, 40).filter((_, n) => n % 3 === 0);
/** A build in which of some mirrors the objects from `first` on are missing. */
const build = (first: number, previous: ReturnType<typeof mapsOf> | null, mirrors = fleet) => {
  const some = mirrors.map((one, n) => {
    const presence = one.presence.slice();
    if (n % 7 === first % 7) presence.fill(2, first, first + 5);
    return { ...one, presence };
  });
  return mapsOf(inventoryOf(names), some, previous?.table ?? null);
};
const keysOf = ({ keys }: ReturnType<typeof mapsOf>) => new Map(keys);

const SAFE = { conflict: null, unsafe: new Set() };

describe('keys of two builds', () => {
  const first = build(10, null);
  const second = build(20, first);
  const third = build(33, second);

  it('can mix where one continues the other, forwards and back', () => {
    const [a, b, c] = [keysOf(first), keysOf(second), keysOf(third)];
    for (const [stored, wanted] of [
      [a, b],
      [b, a],
      [a, c],
      [c, a],
      [b, c],
    ] as const) {
      expect(mixingOf(stored, wanted)).toEqual(SAFE);
    }
    // What a publication leaves that was cut, and the store of a first one.
    let cut = a;
    for (const batch of planKeys(a, b).puts) {
      cut = applied(cut, batch);
      expect(mixingOf(cut, c)).toEqual(SAFE);
    }
    expect(mixingOf(new Map(), a)).toEqual(SAFE);
  });

  it.each([
    [
      'both continue the same third one',
      () => build(20, first),
      () => build(33, first),
      /classes of 1\.\d % of the objects/,
    ],
    [
      'neither continues the other',
      () => build(10, null),
      () => build(50, null),
      /classes of \d+\.\d % of the objects/,
    ],
    [
      'the access points have other numbers',
      () => first,
      () => build(10, null, [...fleet].reverse()),
      /number is that of another/,
    ],
    [
      'the buckets are others',
      () => first,
      () =>
        mapsOf(
          inventoryOf(names.slice(0, 100)),
          fleet.map((one) => ({ ...one, presence: one.presence.slice(0, 100) })),
        ),
      /it has \d buckets, the build \d/,
    ],
  ])('must not mix where %s', (_, one, other, sentence) => {
    const [a, b] = [keysOf(one()), keysOf(other())];
    expect(mixingOf(a, b).conflict).toMatch(sentence);
    expect(mixingOf(b, a).conflict).toMatch(sentence);
  });

  it('of two epochs have nothing in common', () => {
    const anew = mapsOf(inventoryOf(names), fleet, { ...first.table, bucketCount: 1 });
    expect(anew.table.epoch).toBe('1');
    expect(mixingOf(keysOf(first), keysOf(anew))).toEqual(SAFE);
  });
});
