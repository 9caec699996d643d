import { falseKnownRate } from '../generator/maps/buckets.ts';
import { edgeBuild } from './edge-build.ts';

/** One store of the CDN, with a margin for what a megabyte is. */
const STORE_BYTES = 4_900_000;

/** What the keys take of one store, at today's size of a large tree and where it ends. Throws where it does not fit. */
export async function benchStore(): Promise<string> {
  const rows = [149_000, 700_000].map((objects) => {
    const { keys, table } = edgeBuild(objects);
    const bytesOf = (begin: RegExp) =>
      keys.reduce((sum, [key, value]) => sum + (begin.test(key) ? key.length + value.length : 0), 0);
    const buckets = keys.filter(([key]) => /^\d/.test(key));
    const all = bytesOf(/^/);
    if (all > STORE_BYTES) throw new Error(`${objects} objects take ${all} bytes, more than ${STORE_BYTES}`);
    const rate = falseKnownRate(buckets, table.bucketCount) * 1_000_000;
    const cells = [objects, table.classes.length, bytesOf(/^\d/), bytesOf(/^r/), bytesOf(/^c/), all].map((n) =>
      n.toLocaleString('en'),
    );
    return `| ${[...cells, (bytesOf(/^\d/) / objects).toFixed(2), rate.toFixed(2)].join(' | ')} |`;
  });
  return [
    '### Keys of the edge: one store holds 700,000 objects',
    '',
    '| objects | classes | look-up bytes | tables | holders world-wide | all | look-up bytes an object | false known in 1,000,000 |',
    '|--:|--:|--:|--:|--:|--:|--:|--:|',
    ...rows,
  ].join('\n');
}
