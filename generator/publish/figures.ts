import type { Inventory } from '../../core/inventory.ts';
import { Outcome } from '../../core/observations.ts';
import { type Evidence, isUp } from '../maps/evidence.ts';
import type { ReleaseFigures } from './contract.ts';
import type { Built } from './read-built.ts';

const HOUR_MS = 3_600_000;

/** What guards compare. Pure. */
export function figuresOf({ inventory, evidence, agesInHours, table, maps }: Built): ReleaseFigures {
  const { objects, present, unknown, held } = count(inventory, evidence);
  const upUrls = new Set(evidence.filter(isUp).map(({ accessPoint }) => accessPoint.url));
  const isUpNumber = table.accessPoints.map(({ url }) => upUrls.has(url));
  const cells = Math.max(1, objects * evidence.length);
  return {
    objects,
    accessPoints: evidence.length,
    up: evidence.filter(isUp).length,
    presentShare: present / cells,
    unknownShare: unknown / cells,
    heldShare: held / Math.max(1, objects),
    evidenceAgeMs: medianMs(agesInHours),
    candidates: Object.fromEntries(
      maps.map(({ region, https, http }) => [
        region,
        [...https.candidates, ...http.candidates].filter(({ number }) => isUpNumber[number] === true).length,
      ]),
    ),
  };
}

function count({ paths, removedAtS }: Inventory, evidence: readonly Evidence[]) {
  const isHeld = new Uint8Array(paths.length);
  let present = 0;
  let unknown = 0;
  for (const one of evidence) {
    const up = isUp(one) && one.mirror.networks === undefined ? 1 : 0;
    for (let id = 0; id < paths.length; id++) {
      if (removedAtS[id] !== 0) continue;
      const found = one.presence[id];
      if (found === Outcome.none) unknown++;
      if (found !== Outcome.present) continue;
      present++;
      isHeld[id] = (isHeld[id] as number) | up;
    }
  }
  const objects = removedAtS.reduce((sum, at) => sum + (at === 0 ? 1 : 0), 0);
  return { objects, present, unknown, held: isHeld.reduce((sum, one) => sum + one, 0) };
}

function medianMs(hours: Uint32Array): number | null {
  const all = hours.reduce((sum, one) => sum + one, 0);
  if (all === 0) return null;
  let hour = 0;
  for (let upTo = hours[0] as number; upTo * 2 < all; upTo += hours[hour] as number) hour++;
  return hour * HOUR_MS;
}
