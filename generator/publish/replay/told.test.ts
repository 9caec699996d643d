import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classKey, encodeMask, META_KEY, META_VERSION, tableKey } from '../../../core/edge-keys.ts';
import { loadBuiltFunction } from '../../../edge-shim/built-function.ts';
import { bundleFunction } from '../../../edge-shim/bundle.ts';
import { FALLBACK } from '../../../test/small-build.ts';
import { type Entry, entryOf, packBuckets } from '../../maps/buckets.ts';
import { isWrong, type Named, Roots } from './claims.ts';
import { eventOf, type Viewer } from './event.ts';
import { isSameSet, KeptClaims, Told } from './told.ts';

const code = await bundleFunction(FALLBACK);
const CLASSES = [1, 2, 3, 4];
const POINTS = 12;
const ROOTS = new Roots(Array.from({ length: POINTS }, (_, n) => `https://m${n}.example.org/`));
const SLOT = 0xab + 1;

const aloneOf = (classId: number): Named => ({ asked: `alone-${classId}`, path: `alone-${classId}`, alias: null });
const pairOf = (own: number, alias: number): Named => {
  return { asked: `d/${own}-${alias}`, path: `d/${own}-${alias}`, alias: `d/ab/${own}-${alias}` };
};
const PAIRS = [0, ...CLASSES].flatMap((own) =>
  CLASSES.filter((alias) => alias !== own).map((alias) => [own, alias] as const),
);
const entries: Entry[] = [
  ...CLASSES.map((classId) => entryOf(aloneOf(classId).path, classId)),
  ...PAIRS.flatMap(([own, alias]) => {
    const { path, alias: target } = pairOf(own, alias);
    return [entryOf(path, own, { aliasSlot: SLOT }), entryOf(target as string, alias)];
  }),
];
const buckets = packBuckets(entries, 1, '0')?.keys ?? [];

const lineOf = fc
  .tuple(fc.nat(POINTS - 1), fc.nat(3), fc.constantFrom('4', '6', '46'))
  .map(([n, tier, families]) => `${n.toString(36)} ${tier} 1 ${families} m${n}.example.org/`);
const lines = (minLength: number) =>
  fc.uniqueArray(lineOf, { minLength, maxLength: 6, selector: (line) => line.split(' ')[0], size: 'max' });
const storeOf = fc.record({
  up: fc.array(fc.constantFrom(15, 15, 11, 5, 0), { minLength: 3, maxLength: 3 }),
  near: lines(0),
  masks: fc.array(fc.constantFrom(0, 0, 1, 2, 3, 21, 63), {
    minLength: CLASSES.length + 1,
    maxLength: CLASSES.length + 1,
  }),
  far: fc.array(fc.option(lines(1)), { minLength: CLASSES.length, maxLength: CLASSES.length }),
  /** Whether the region has a table of its own, or that of the viewers of whom nothing is known. */
  hasTable: fc.boolean(),
  ip: fc.constantFrom('192.0.2.1', '2001:db8::1'),
});
type Store = typeof storeOf extends fc.Arbitrary<infer T> ? T : never;

function keysOf({ up, near, masks, far, hasTable }: Store): Map<string, string> {
  const table = [...near, masks.map(encodeMask).join('')].join('\n');
  const digits = up.map((digit) => digit.toString(16)).join('');
  const keys = new Map([
    ...buckets,
    [META_KEY, `${META_VERSION} 0 1 1 2 ${digits}  h`],
    [tableKey('0', hasTable ? 'DE' : '--', 's', 0), table],
  ]);
  for (const [i, some] of far.entries())
    if (some !== null) keys.set(classKey('0', 's', CLASSES[i] as number), `${some.join('\n')}\n`);
  return keys;
}

describe('what is told of a link', () => {
  it('is what is told of its class and of that of its target, whatever a table says', async () => {
    const seen = { both: 0, far: 0 };
    await fc.assert(
      fc.asyncProperty(storeOf, async (store) => {
        const answer = loadBuiltFunction(code, keysOf(store), 'function.js');
        const viewer: Viewer = { country: 'DE', subdivision: '', scheme: 'https', ip: store.ip };
        const list = async (named: Named) => {
          const answered = await answer(eventOf(viewer, named.asked, { list: true }));
          const claims = ROOTS.listClaim(answered, named, FALLBACK, null);
          if (isWrong(claims)) throw new Error(claims);
          return { claims, isFar: answered.headers['x-redirector']?.value.includes('reason=far') === true };
        };
        const told = new Told(ROOTS, new KeptClaims());
        for (const classId of CLASSES) {
          const { claims, isFar } = await list(aloneOf(classId));
          told.learn(classId, claims, isFar);
        }
        for (const [own, alias] of PAIRS) {
          const { claims, isFar } = await list(pairOf(own, alias));
          expect({ claims, is: isSameSet(claims, told.of(own, alias)) }).toEqual({ claims, is: true });
          const aliases = claims.filter((claim) => ROOTS.isAlias(claim)).length;
          if (aliases > 0 && aliases < claims.length) seen.both++;
          if (aliases > 0 && isFar) seen.far++;
        }
      }),
      { numRuns: 1000 },
    );
    expect(Math.min(seen.both, seen.far)).toBeGreaterThan(200);
  });
});
