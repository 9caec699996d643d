import { describe, expect, it } from 'vitest';
import { bundleFunction } from '../edge-shim/bundle.ts';
import {
  cutAt,
  FALLBACKS,
  faultsWhileSpreading,
  fleetBuild,
  isPublished,
  openScene,
  publishAll,
  targetOver,
} from './cloudfront-emulator/publication.ts';

const codes = [await bundleFunction(FALLBACKS[0]), await bundleFunction(FALLBACKS[1])] as const;
const isIn = (accessPoint: number) => accessPoint % 25 === 0;
const before = fleetBuild(180, 1, codes[0], null, isIn);
const after = fleetBuild(200, 2, codes[1], before, isIn);
const anew = fleetBuild(200, 3, codes[1], { ...before, table: { ...before.table, bucketCount: 1 } }, isIn);

/**
 * Cut before its n-th call arrives, a publication leaves what it leaves when the answer to the call before is lost: so
 * only the latter is tried, and the very first call.
 */
describe('a publication cut at any call', () => {
  it.each([
    ['the first one', null, after],
    ["one of an hour's changes", before, after],
    ['one that begins an epoch', before, anew],
  ] as const)(
    '%s, leaves only right answers, and the next one completes',
    { timeout: 120_000 },
    async (_, old, next) => {
      let calls = 0;
      for (let wasCut = true; wasCut; calls++) {
        const scene = await openScene();
        try {
          const publish = () => publishAll(targetOver(scene.emulator, scene.clock), next);
          if (old !== null) await publishAll(targetOver(scene.emulator, scene.clock), old);
          scene.clock.advance(600_000);
          wasCut = await cutAt(scene, Math.max(1, calls), calls === 0 ? 'cutBefore' : 'cutAfter', next);
          const faults = await faultsWhileSpreading(scene, old === null ? [next] : [old, next]);
          expect(faults.slice(0, 5), `cut at call ${calls}`).toEqual([]);
          await publish();
          expect(await isPublished(scene, next), `cut at call ${calls}`).toBe(true);
        } finally {
          await scene.emulator.close();
        }
      }
      expect(calls).toBeGreaterThan(15);
    },
  );
});
