import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { falseKnownRate } from '../generator/maps/buckets.ts';
import { edgeBuild } from './edge-build.ts';
import type { KnownTask } from './known.child.ts';

const NAMES = 100_000_000;
const MOST_IN_A_MILLION = 1;

/** Looks 100 million made-up names up in the keys of 149,000 objects. Throws where more than one in a million is known. */
export async function benchKnown(): Promise<string> {
  const { keys, table } = edgeBuild(149_000);
  const buckets = keys.filter(([key]) => /^\d/.test(key));
  const workers = availableParallelism();
  const share = Math.ceil(NAMES / workers);
  const startedAtMs = Date.now();
  const counts = await Promise.all(
    Array.from({ length: workers }, (_, i) => {
      const first = i * share;
      const task: KnownTask = {
        buckets,
        bucketCount: table.bucketCount,
        epoch: table.epoch,
        first,
        end: Math.min(NAMES, first + share),
      };
      return countIn(task);
    }),
  );
  const known = counts.reduce((sum, count) => sum + count, 0);
  const perMillion = (known / NAMES) * 1_000_000;
  const seconds = (Date.now() - startedAtMs) / 1000;
  if (perMillion > MOST_IN_A_MILLION) throw new Error(`${known} of ${NAMES} made-up names are taken for known`);
  const workedOut = falseKnownRate(buckets, table.bucketCount) * 1_000_000;
  return [
    '### Names that do not exist',
    '',
    `${known} of ${NAMES.toLocaleString('en')} made-up names are taken for known: ${perMillion.toFixed(2)} in 1,000,000 (worked out: ${workedOut.toFixed(2)}); ${seconds.toFixed(0)} s on ${workers} cores.`,
  ].join('\n');
}

function countIn(task: KnownTask): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./known.child.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] });
    child.once('message', (known) => resolve(known as number));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`a child ended with ${code}`)));
    child.send(task);
  });
}
