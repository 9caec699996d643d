import { fleetEvidence } from '../test/fleet.ts';
import { distfilesOf, mapsOf } from '../test/small-build.ts';

/** Every so manieth mirror has no links. */
const WITHOUT_LINKS = 12;

/**
 * The keys of a build of so many made-up objects, half of them files and half flat links to these, over a fleet as large as
 * a large distribution's.
 */
export function edgeBuild(objects: number): ReturnType<typeof mapsOf> {
  const names = Array.from({ length: objects / 2 }, (_, i) => `package-${i}.tar.xz`);
  const lacks = (mirror: number, id: number) => mirror % WITHOUT_LINKS === 0 && id % 2 === 1;
  return mapsOf(distfilesOf(names), fleetEvidence(objects, 100, 1, lacks));
}
