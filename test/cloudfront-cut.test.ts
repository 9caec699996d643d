import { describe, expect, it } from 'vitest';
import { bundleFunction } from '../edge-shim/bundle.ts';
import { planKeys } from '../generator/publish/cloudfront/key-plan.ts';
import { churnedEvidence, MOVING, REUSED_AT, STEP_MS } from './churn.ts';
import {
  cutAt,
  FALLBACKS,
  faultsAt,
  faultsWhileSpreading,
  fleetBuild,
  isPublished,
  openScene,
  publishAll,
  STORE,
  type TestBuild,
  targetOver,
  testBuild,
} from './cloudfront-emulator/publication.ts';
import { treeNames } from './tree-names.ts';

const codes = [await bundleFunction(FALLBACKS[0]), await bundleFunction(FALLBACKS[1])] as const;
const NAMES = Array.from({ length: 2000 }, (_, i) => `distfiles/file-${i}.tar.xz`);
const isIn = (accessPoint: number) => accessPoint % 25 === 0;
const before = fleetBuild(180, 1, codes[0], null, isIn);
const after = fleetBuild(200, 2, codes[1], before, isIn);
/** Builds of a day, of which the last gives class ids other meanings than the first. */
const churned: TestBuild[] = [];
for (let step = 0; step <= REUSED_AT; step++) {
  const nowMs = Date.now() + step * STEP_MS;
  churned.push(testBuild(NAMES, churnedEvidence(NAMES.length, step), codes[1], churned.at(-1) ?? null, nowMs));
}
const moving = Array.from({ length: MOVING * 10 }, (_, i) => i % MOVING);
const anew = fleetBuild(200, 3, codes[1], { ...before, table: { ...before.table, bucketCount: 1 } }, isIn);

/**
 * Cut before its n-th call arrives, a publication leaves what it leaves when the answer to the call before is lost: so
 * only the latter is tried, and the very first call.
 */
describe('a publication cut at any call', () => {
  it.each<[string, TestBuild | null, TestBuild, number[] | undefined]>([
    ['the first one', null, after, undefined],
    ["one of an hour's changes", before, after, undefined],
    ['one that begins an epoch', before, anew, undefined],
    ['one that comes long after', churned[0] as TestBuild, churned.at(-1) as TestBuild, moving],
  ])('%s, leaves only right answers, and the next one completes', { timeout: 120_000 }, async (_, old, next, ids) => {
    let calls = 0;
    for (let wasCut = true; wasCut; calls++) {
      const scene = await openScene();
      try {
        const publish = () => publishAll(targetOver(scene.emulator, scene.clock), next);
        if (old !== null) await publishAll(targetOver(scene.emulator, scene.clock), old);
        scene.clock.advance(600_000);
        wasCut = await cutAt(scene, Math.max(1, calls), calls === 0 ? 'cutBefore' : 'cutAfter', next);
        const faults = await faultsWhileSpreading(scene, old === null ? [next] : [old, next], ids);
        expect(faults.slice(0, 5), `cut at call ${calls}`).toEqual([]);
        await publish();
        expect(await isPublished(scene, next), `cut at call ${calls}`).toBe(true);
      } finally {
        await scene.emulator.close();
      }
    }
    expect(calls).toBeGreaterThan(15);
  });
});

describe('a publication of a whole tree, cut in the middle', () => {
  it('leaves every object with a right answer while its keys spread', { timeout: 180_000 }, async () => {
    const names = treeNames();
    const old = fleetBuild(Math.floor(names.length * 0.9), 1, codes[0], null, isIn, names);
    const next = fleetBuild(names.length, 2, codes[1], old, isIn, names);
    const scene = await openScene();
    try {
      await publishAll(targetOver(scene.emulator, scene.clock), old);
      scene.clock.advance(600_000);
      const half = Math.ceil(planKeys(old.content.keys, next.content.keys).puts.length / 2);
      const isWrite = ({ action }: { action: string }) => action === 'UpdateKeys';
      expect(await cutAt(scene, half, 'cutAfter', next, isWrite)).toBe(true);
      const { items } = scene.emulator.account.store(STORE);
      expect(planKeys(items, next.content.keys).puts.length).toBe(
        planKeys(old.content.keys, next.content.keys).puts.length - half,
      );
      scene.clock.advance(20_000);
      expect(await faultsAt(scene, 'FRA', [old, next])).toEqual([]);
    } finally {
      await scene.emulator.close();
    }
  });
});
