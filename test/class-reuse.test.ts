import { beforeAll, describe, expect, it } from 'vitest';
import type { ObjectTable } from '../core/formats/map-file.ts';
import { requestPath } from '../core/inventory.ts';
import { Outcome } from '../core/observations.ts';
import type { Evidence } from '../generator/maps/evidence.ts';
import { applied, planKeys } from '../generator/publish/cloudfront/key-plan.ts';
import type { Keys } from '../generator/publish/cloudfront/keys.ts';
import { mixingOf } from '../generator/publish/cloudfront/lineage.ts';
import { stagesOf } from '../generator/publish/cloudfront/stages.ts';
import { churnedEvidence, REUSED_AT, STEP_MS } from './churn.ts';
import { askMixed, requestFor } from './mixing.ts';
import { inventoryOf, mapsOf, NOW_MS } from './small-build.ts';
import { seeded } from './synthetic.ts';

const names = Array.from({ length: 4000 }, (_, i) => `distfiles/file-${i}.tar.xz`);
const inventory = inventoryOf(names);

interface Build {
  readonly keys: Keys;
  readonly table: ObjectTable;
  readonly points: ReadonlyMap<string, Evidence>;
}

const builds: Build[] = [];
beforeAll(() => {
  for (let step = 0; step <= REUSED_AT + 2; step++) {
    const evidence = churnedEvidence(names.length, step);
    const previous = builds.at(-1)?.table ?? null;
    const { keys, table } = mapsOf(inventory, evidence, previous, NOW_MS + step * STEP_MS);
    builds.push({ keys: new Map(keys), table, points: new Map(evidence.map((one) => [one.accessPoint.url, one])) });
  }
}, 120_000);
const at = (step: number) => builds[step] as Build;

/** Asks for the objects that were on their way, at edges where any of these stores' values may be read. */
function wrongAnswers(stores: readonly Keys[], known: readonly Build[]): { wrong: string[]; redirects: number } {
  const random = seeded(5);
  const wrong: string[] = [];
  let redirects = 0;
  for (let i = 0; i < 6000; i++) {
    const id = i % 40;
    const request = requestFor(requestPath(inventory, id), random);
    const decision = askMixed(request, stores, random);
    if (decision.kind !== 'redirect') continue;
    redirects++;
    for (const { root } of decision.holders) {
      const url = (request.https ? 'https://' : 'http://') + root;
      if (!known.some(({ points }) => points.get(url)?.presence[id] === Outcome.present)) {
        wrong.push(`${names[id]} → ${root}`);
      }
    }
  }
  return { wrong, redirects };
}

describe('class ids that are used again', () => {
  it('keep the epoch, and their number', () => {
    const counts = builds.map(({ table }) => table.classes.length);
    expect(new Set(builds.map(({ table }) => table.epoch)).size).toBe(1);
    expect(counts[REUSED_AT + 2]).toBe(counts[REUSED_AT - 1]);
    expect(counts[REUSED_AT - 1]).toBeGreaterThan((counts[0] as number) + 20);
    const [first, last] = [at(0).table, at(REUSED_AT + 2).table];
    const other = first.classes.filter((members, id) => String(members) !== String(last.classes[id]));
    expect(other.length).toBeGreaterThanOrEqual(6);
  });

  it.each(
    [1, 2].flatMap((apart) =>
      Array.from({ length: REUSED_AT + 3 - apart }, (_, step) => [step, step + apart] as const),
    ),
  )('give no wrong answer where builds %i and %i are published one after the other', (a, b) => {
    const [old, next] = [at(a), at(b)];
    for (const [stored, wanted] of [
      [old, next],
      [next, old],
    ] as const) {
      expect(mixingOf(stored.keys, wanted.keys)).toEqual({ conflict: null, unsafe: new Set() });
    }
    const { wrong, redirects } = wrongAnswers([old.keys, next.keys], [old, next]);
    expect(wrong).toEqual([]);
    expect(redirects).toBeGreaterThan(3000);
  });

  describe('of two builds far apart', () => {
    const [old, next] = [() => at(2), () => at(REUSED_AT + 2)];
    const unsafe = () => mixingOf(old().keys, next().keys).unsafe;

    it('would give wrong answers, and are told from those that would not', () => {
      expect(mixingOf(old().keys, next().keys).conflict).toBeNull();
      expect(unsafe().size).toBeGreaterThan(0);
      const { wrong } = wrongAnswers([old().keys, next().keys], [old(), next()]);
      expect(wrong.length).toBeGreaterThan(10);
      expect(unsafe()).toEqual(mixingOf(next().keys, old().keys).unsafe);
    });

    it('come over in stages, forwards and back, each of which gives none', () => {
      for (const [stored, wanted] of [
        [old(), next()],
        [next(), old()],
      ] as const) {
        let before: Keys = stored.keys;
        const stages = stagesOf(before, wanted.keys, unsafe());
        expect(stages.map(({ settles }) => settles === null)).toEqual([true, false, false]);
        for (const { puts } of stages) {
          const after = new Map([...before, ...puts]);
          const { wrong, redirects } = wrongAnswers([before, after], [stored, wanted]);
          expect(wrong).toEqual([]);
          expect(redirects).toBeGreaterThan(2000);
          before = after;
        }
        for (const [key, value] of wanted.keys) expect(before.get(key)).toBe(value);
        expect(mixingOf(before, wanted.keys)).toEqual({ conflict: null, unsafe: new Set() });
        expect(planKeys(before, wanted.keys).puts).toEqual([]);
      }
    });

    it('wait again for what may still be on its way, wherever a publication was cut', () => {
      const whole = planKeys(old().keys, next().keys, unsafe());
      let stored: Keys = old().keys;
      for (const [i, batch] of whole.puts.entries()) {
        const { conflict, unsafe: left } = mixingOf(stored, next().keys);
        expect(conflict).toBeNull();
        if (i > 0) expect(planKeys(stored, next().keys, left).settleBefore.has(0), `before call ${i}`).toBe(true);
        stored = applied(stored, batch);
      }
    });
  });
});
