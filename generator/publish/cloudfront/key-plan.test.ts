import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applied, checkKeys, checkRoom, deleteBatches, planKeys } from './key-plan.ts';
import { bytesOf, type Keys } from './keys.ts';
import { LIMITS } from './limits.ts';

const meta = (epoch: string) => `3 ${epoch} 7 1 2 ff  h`;
const key = fc.oneof(
  fc.integer({ min: 0, max: 400 }).map((n) => `${n % 2}${n.toString(36)}`),
  fc
    .tuple(fc.constantFrom('DE', 'US-CA', '--', '192.0.2.*'), fc.integer({ min: 0, max: 3 }))
    .map(([zone, n]) => `r0${zone}s${n}`),
  fc.integer({ min: 0, max: 60 }).map((n) => `c1h${n.toString(36)}`),
);
const keys = fc
  .tuple(fc.array(fc.tuple(key, fc.string({ maxLength: 4 })), { maxLength: 200 }), fc.constantFrom('0', '1'))
  .map(([pairs, epoch]): Keys => new Map([...pairs, ['meta', meta(epoch)]]));

describe('a plan of keys', () => {
  it('leads from any store to what is wanted, with no call too large, and deletes last', () => {
    fc.assert(
      fc.property(fc.oneof(keys, fc.constant<Keys>(new Map())), keys, (stored, wanted) => {
        const plan = planKeys(stored, wanted);
        let now: Keys = stored;
        for (const batch of plan.puts) {
          expect(batch.deletes).toEqual([]);
          expect(batch.puts.length).toBeLessThanOrEqual(LIMITS.keysPerCall);
          now = applied(now, batch);
        }
        for (const [name, value] of wanted) expect(now.get(name)).toBe(value);
        for (const name of stored.keys()) expect(now.has(name)).toBe(true);
        for (const batch of deleteBatches(plan.removed)) now = applied(now, batch);
        expect(new Map([...now].sort())).toEqual(new Map([...wanted].sort()));
        const puts = plan.puts.flatMap((batch) => batch.puts);
        expect(plan.added + plan.changed).toBe(puts.length);
        expect(plan.puts.length).toBeLessThanOrEqual(Math.ceil(puts.length / LIMITS.keysPerCall) + 1);
        expect(plan.bytes).toBe(bytesOf(puts));
      }),
    );
  });

  it('puts what is pointed to before what points to it', () => {
    const wanted = new Map([
      ['meta', meta('0')],
      ['0a', ''],
      ['r0DEs0', ''],
      ['c0s1', ''],
    ]);
    const [batch] = planKeys(new Map(), wanted).puts;
    expect(batch?.puts.map(([name]) => name)).toEqual(['c0s1', 'r0DEs0', '0a', 'meta']);
  });

  it('waits before the pointer to a new epoch, and only then', () => {
    const of = (epoch: string, value = '') =>
      new Map([
        ['meta', meta(epoch) + value],
        [`${epoch}0`, 'x'],
      ]);
    expect(planKeys(new Map(), of('0')).settleBefore.size).toBe(0);
    expect(planKeys(of('0'), of('0', 'DE2')).settleBefore.size).toBe(0);
    const plan = planKeys(of('0'), of('1'));
    expect(plan.puts.map(({ puts }) => puts.map(([name]) => name))).toEqual([['10'], ['meta']]);
    expect([...plan.settleBefore]).toEqual([[1, 'a new epoch begins']]);
  });

  it('clears epochs long gone first, where old and new would not fit otherwise', () => {
    const epoch = (digit: string, count: number) =>
      new Map([
        ['meta', meta(digit)],
        ...Array.from({ length: count }, (_, i) => [`${digit}${i.toString(36)}`, 'v'.repeat(1000)] as const),
      ]);
    const stored = new Map([...epoch('8', 1500), ...epoch('0', 2000)]);
    const wanted = epoch('1', 2000);
    const plan = planKeys(stored, wanted);
    expect(plan.cleared).toHaveLength(1500);
    expect(plan.removed).toHaveLength(2000);
    checkRoom(stored, wanted, plan, 's');
    expect(planKeys(epoch('0', 2000), epoch('1', 2000)).cleared).toEqual([]);
  });
});

describe('what is checked beforehand', () => {
  const good = new Map([['meta', meta('0')]]);

  it.each<[string, Keys, Keys, RegExp]>([
    ['a store of somebody else', new Map([['/blog/', 'x']]), good, /not redirector's \("\/blog\/"\)/],
    ['a value that is too long', new Map(), new Map([...good, ['01', 'é'.repeat(513)]]), /value of 1026 bytes/],
    ['keys without a pointer', new Map(), new Map([['01', 'x']]), /no "meta"/],
  ])('%s', (_, stored, wanted, sentence) => {
    expect(() => checkKeys(stored, wanted, 'redirector')).toThrow(sentence);
  });

  it.each([
    ['keys that no store holds', 0, 5000, /Divide the tree/],
    ['a store that is too full', 3000, 3000, /Name another store/],
  ])('%s', (_, before, after, sentence) => {
    const of = (digit: string, count: number) =>
      new Map([
        ['meta', meta(digit)],
        ...Array.from({ length: count }, (_, i) => [`${digit}${i.toString(36)}`, 'v'.repeat(1000)] as const),
      ]);
    const [stored, wanted] = [of('0', before), of('1', after)];
    expect(() => checkRoom(stored, wanted, planKeys(stored, wanted), 'redirector')).toThrow(sentence);
  });
});
