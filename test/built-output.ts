import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encodeInventory } from '../core/formats/inventory-file.ts';
import { encodeMirrors } from '../core/formats/mirrors-file.ts';
import { emptyObservations, encodeObservations } from '../core/formats/observations-file.ts';
import type { LoadedInventory } from '../core/inventory.ts';
import { writeFileAtomic } from '../core/node/atomic-file.ts';
import { methodNumber, Outcome } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import { silentProgress } from '../core/progress.ts';
import { bundleFunction } from '../edge-shim/bundle.ts';
import type { Evidence } from '../generator/maps/evidence.ts';
import { runBuild } from '../generator/maps/run.ts';
import { FALLBACK, RULES } from './small-build.ts';

const EXPIRY_MS = 14 * 86_400_000;
const functionCode = bundleFunction(FALLBACK);

/**
 * Makes an output folder as if leader and checks had found just that at `nowMs`, and builds its maps, keys and function.
 * A page and a status stand for the site.
 */
export async function buildOutput(
  output: string,
  inventory: LoadedInventory,
  evidence: readonly Evidence[],
  nowMs = Date.now(),
): Promise<void> {
  const nowS = Math.floor(nowMs / 1000);
  const mirrors = new Map(
    evidence.map(({ mirror }) => [mirror.id, { ...mirror, accessPoints: [mirror.accessPoints[0]] }]),
  );
  for (const { mirror, accessPoint } of evidence) {
    const listed = mirrors.get(mirror.id) as { accessPoints: unknown[] };
    if (!listed.accessPoints.some((one) => (one as { id: string }).id === accessPoint.id))
      listed.accessPoints.push(accessPoint);
  }
  const list = { version: 1, takenAtMs: nowMs, mirrors: [...mirrors.values()], notes: [] };
  writeFileAtomic(outputLayout.inventory(output), encodeInventory({ ...inventory, takenAtMs: nowMs }));
  writeFileAtomic(outputLayout.mirrors(output), encodeMirrors(list as unknown as Parameters<typeof encodeMirrors>[0]));
  for (const { accessPoint, presence, liveness } of evidence) {
    const { id, url } = accessPoint;
    const observations = emptyObservations(id, url, inventory.paths.length, nowS);
    const { state, reason } = liveness;
    observations.liveness = { state, reason, sinceS: nowS - 60, checkedAtS: nowS };
    presence.forEach((outcome, object) => {
      observations.outcome[object] = outcome;
      if (outcome === Outcome.none) return;
      observations.evidenceAtS[object] = nowS - 3600;
      observations.method[object] = methodNumber(observations.methods, 'http-head');
      observations.sizeBytes[object] = outcome === Outcome.present ? (inventory.sizeBytes[object] as number) : -1;
    });
    writeFileAtomic(outputLayout.observations(output, id), encodeObservations(observations), { durable: false });
  }
  runBuild({ output, expiryMs: EXPIRY_MS, nowMs, progress: silentProgress, rules: RULES });
  writeFileAtomic(outputLayout.edgeFunction(output), await functionCode);
  for (const [file, text] of [
    [outputLayout.siteData(output), `{"builtAtMs":${nowMs}}\n`],
    [join(outputLayout.site(output), 'index.html'), `<title>${nowMs}</title>\n`],
    [join(outputLayout.site(output), 'about.html'), '<title>the same for ever</title>\n'],
  ] as const) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
