import { describe, expect, it } from 'vitest';
import { META_KEY, META_VERSION, MOST_CLASSES } from '../../../core/edge-keys.ts';
import { silentProgress } from '../../../core/progress.ts';
import { loadBuiltFunction } from '../../../edge-shim/built-function.ts';
import { bundleFunction } from '../../../edge-shim/bundle.ts';
import { distfilesOf, FALLBACK } from '../../../test/small-build.ts';
import { type Entry, entryOf, packBuckets } from '../../maps/buckets.ts';
import { Asker, Tally } from './asking.ts';
import { Findings } from './findings.ts';
import { Judge } from './judge.ts';
import { lookUpAll, scattered } from './looked-up.ts';
import { spellingKeys } from './spelling.ts';

const code = await bundleFunction(FALLBACK);
const NAMES = Array.from({ length: 3000 }, (_, i) => `b${i}.tar.xz`);
const inventory = distfilesOf(NAMES);
/** Of each name the file's class and the link's, 0 for some links: all classes, in many pairs. */
const classOf = Uint16Array.from(inventory.paths, (_, id) => {
  const name = id >> 1;
  return id % 2 === 0 ? 1 + (name % (MOST_CLASSES - 1)) : (name * 7 + (name >> 9)) % MOST_CLASSES;
});
const isAliased = (id: number) => id % 2 === 1 && classOf[id] !== classOf[id - 1] && id % 7 !== 0;
const entries: Entry[] = inventory.paths.flatMap((path, id) => {
  const aliasSlot = isAliased(id) ? entryOf((inventory.paths as readonly string[])[id - 1] as string, 0).slot : 0;
  return classOf[id] === 0 && aliasSlot === 0 ? [] : [entryOf(path, classOf[id] as number, { aliasSlot })];
});
const buckets = packBuckets(entries, 60, '4')?.keys ?? [];
const keys = new Map([
  ...buckets,
  [META_KEY, `${META_VERSION} 4 60 1 2 0 GFGPMQ,US-CA-OR s`],
  ['r4XAs0', 'of no use'],
  ['c4s1', '0 99 1 46 far.example.org/\n'],
  ['c4h1', '0 99 1 46 far.example.org/\n'],
]);

async function lookedUp(over: ReadonlyMap<string, string>) {
  const tally = new Tally({ progress: silentProgress, signal: new AbortController().signal });
  const judge = new Judge({ evidence: [], inventory }, { fallback: FALLBACK, upgrade: false });
  const findings = new Findings();
  const spelling = new Asker(loadBuiltFunction(code, spellingKeys(over), 'function.js'), tally);
  const found = await lookUpAll({ spelling, judge, findings, onward: () => {} }, inventory.paths.length);
  return { found, findings, answers: tally.answers };
}

describe('the function over tables that spell', () => {
  it('tells the class of every object, and of what its link leads to, as the buckets have them', async () => {
    const { found, findings } = await lookedUp(keys);
    expect(findings.examples).toEqual([]);
    expect(found.classOf).toEqual(classOf);
    const aliasOf = classOf.map((_, id) => (isAliased(id) ? (classOf[id - 1] as number) : 0));
    expect(found.aliasOf).toEqual(aliasOf);
    expect(new Set(found.classOf).size).toBe(MOST_CLASSES);
    expect(new Set(found.aliasOf).size).toBeGreaterThan(400);
  });

  it('asks once of each object, thrice of a link that may be answered with its target', async () => {
    const { answers } = await lookedUp(keys);
    const aliased = [...inventory.paths.keys()].filter(isAliased).length;
    expect(answers).toBe(inventory.paths.length + 2 * aliased);
  });

  it('tells of nothing without a `meta`', async () => {
    const { found, findings } = await lookedUp(new Map(buckets));
    expect(findings.wrong).toBe(0);
    expect(found.classOf.every((classId) => classId === 0)).toBe(true);
  });
});

describe('objects in scattered order', () => {
  it.each([0, 1, 2, 3, 10, 1597, 151_650])('of %i are all there, once', (count) => {
    expect(Uint32Array.from(scattered(count)).sort()).toEqual(Uint32Array.from({ length: count }, (_, id) => id));
  });
});
