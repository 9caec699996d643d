import { join } from 'node:path';
import { emptyObservations, encodeObservations } from '../core/formats/observations-file.ts';
import { writeFileAtomic } from '../core/node/atomic-file.ts';
import { readLeader } from '../core/node/leader-files.ts';
import { methodNumber, Outcome } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import { Fixture } from './fixture.ts';
import { measure, row, TABLE_HEAD } from './measure.ts';
import type { BenchTree } from './tree.ts';

const ACCESS_POINTS = 6;

/** Maps and keys of six access points that hold different subsets of the tree. */
export async function benchBuild(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const urls = Array.from({ length: ACCESS_POINTS }, (_, i) => `https://m${i}.example.org/gentoo/`);
  const fixture = new Fixture(join(folder, 'build'), tree.root, urls);
  const { inventory, mirrors } = readLeader(fixture.output);
  const count = inventory.paths.length;
  const nowS = Math.floor(Date.now() / 1000);
  for (const [i, mirror] of mirrors.mirrors.entries()) {
    for (const { id, url } of mirror.accessPoints) {
      const observations = emptyObservations(id, url, count, nowS);
      observations.liveness = { state: 'up', sinceS: nowS, checkedAtS: nowS, reason: '' };
      observations.evidenceAtS.fill(nowS);
      observations.method.fill(methodNumber(observations.methods, 'http-head'));
      observations.sizeBytes.set(inventory.sizeBytes);
      // Each misses another twentieth, and one all but a third.
      for (let object = 0; object < count; object++) {
        const missing = i === 0 ? object % 3 !== 0 : (object * 2654435761) % 20 === i;
        observations.outcome[object] = missing ? Outcome.absent : Outcome.present;
      }
      writeFileAtomic(outputLayout.observations(fixture.output, id), encodeObservations(observations));
    }
  }
  const figures = await measure([fixture.command('`redirector build`', 0, ['build', '--json', '--quiet'])], rounds);
  const made = JSON.parse(figures[0]?.stdout ?? '{}');
  return [
    `### Maps of ${ACCESS_POINTS} × ${count.toLocaleString('en')} objects`,
    '',
    TABLE_HEAD,
    ...figures.map(row),
    '',
    `Look-up keys: ${made.lookUpBytesPerObject.toFixed(2)} bytes an object (${made.classes} presence classes); all keys ${made.keyBytes.toLocaleString('en')} bytes; edge function ${made.functionBytes.toLocaleString('en')} bytes.`,
  ].join('\n');
}
