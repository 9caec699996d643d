import type { Protocol } from '../core/mirror.ts';
import type { Evidence } from '../generator/maps/evidence.ts';
import { evidenceOf } from './small-build.ts';
import { seeded } from './synthetic.ts';

/** Mirrors by country, as a large distribution's list has them. */
export const MIRRORS_BY_COUNTRY =
  'DE 20 US 14 FR 8 CA 7 CZ 7 JP 7 NL 7 CN 7 AU 6 GB 5 KR 5 ZA 5 IN 4 IT 4 ES 4 RU 4 HK 4 BR 3 CH 3 SG 3 AT 2 BE 2 SE 2 ' +
  'PT 2 TW 2 UA 2 MD 2 IL 2 KZ 2 RS 2 BG 2 CL 1 BY 1 TR 1 GR 1 RO 1 HU 1 LU 1 AR 1 CO 1 PL 1 NC 1 VN 1 PH 1 SK 1 DK 1 ' +
  'QA 1 SA 1 MX 1';

/**
 * Evidence of a fleet as large as a large distribution's. Most mirrors hold all but what is newer than their last
 * synchronisation, each at its own time; some hold a part; `lacks` tells what the nth mirror never holds. So there are about twice as many presence classes as mirrors;
 * and of `odd` objects each is missing somewhere else, and is a class of its own.
 */
export function fleetEvidence(
  objects: number,
  odd: number,
  seed = 1,
  lacks: (mirror: number, id: number) => boolean = () => false,
): Evidence[] {
  const random = seeded(seed);
  const newest = Math.floor(objects * 0.8);
  const evidence: Evidence[] = [];
  let number = 0;
  for (const [, country, count] of MIRRORS_BY_COUNTRY.matchAll(/([A-Z]{2}) (\d+)/g) as Iterable<string[]>) {
    for (let i = 0; i < Number(count); i++) {
      const host = `mirror-${i}.some-university.example-${country?.toLowerCase()}.org`;
      const synchronised = newest + Math.floor(random() * (objects - newest));
      const isPart = random() < 0.1;
      const spoilt = random() < 0.5;
      const own = number++;
      const holds = (id: number) =>
        !lacks(own, id) &&
        id < synchronised &&
        !(isPart && id % 5 === 0) &&
        !(spoilt && id < odd && isMissing(id, own));
      const protocols: Protocol[] = random() < 0.88 ? ['https', 'http'] : ['http'];
      const ipv6 = random() < 0.75;
      for (const protocol of protocols)
        evidence.push(evidenceOf(objects, { host, country: country as string, protocol, holds, ipv6 }));
    }
  }
  return evidence;
}

/** One in seven, at random. */
function isMissing(id: number, mirror: number): boolean {
  const h = Math.imul(id ^ Math.imul(mirror + 1, 0x9e3779b1), 0x85ebca6b);
  return Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 16 < 65_536 / 7;
}
