import { fleetEvidence } from '../test/fleet.ts';
import { inventoryOf, mapsOf } from '../test/small-build.ts';

/** The keys of a build of so many made-up names over a fleet as large as a large distribution's. */
export function edgeBuild(objects: number): ReturnType<typeof mapsOf> {
  const names = Array.from({ length: objects }, (_, i) => `distfiles/${(i & 255).toString(16)}/package-${i}.tar.xz`);
  return mapsOf(inventoryOf(names), fleetEvidence(objects, 100));
}
