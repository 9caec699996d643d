import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pathFromBytes } from '../core/path-bytes.ts';
import { startNginx } from '../test/servers/nginx.ts';
import { startDelayingProxy } from './delaying-proxy.ts';
import { Fixture } from './fixture.ts';
import { measure, median, row, TABLE_HEAD } from './measure.ts';
import type { BenchTree } from './tree.ts';

const bareListing = fileURLToPath(new URL('bare-listing.ts', import.meta.url));
/** Of the second server, bytes a second on each connection: a mirror that is not on loopback. */
const RATE = '4m';
const DELAY_MS = 50;

/** Index pages of the whole tree on an nginx without rsync, against curl that fetches the same pages. */
export async function benchListing(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const nginx = await startNginx([{ root: tree.root }, { root: tree.root, directives: `limit_rate ${RATE};` }]);
  const proxy = await startDelayingProxy(nginx.sites[0]?.httpUrl as string, DELAY_MS);
  try {
    const pages = ['', ...directoriesIn(Buffer.from(tree.root), '')];
    const [onLoopback, atRate] = nginx.sites.map((site) => site.httpUrl) as [string, string];
    return [
      `### Index pages of the whole tree on one nginx: ${pages.length} pages`,
      '',
      await benchSite('on loopback', onLoopback, pages, tree, folder, rounds),
      '',
      await benchSite(`${RATE} a second on each connection`, atRate, pages, tree, folder, Math.min(rounds, 3)),
      '',
      // curl waits for each page before it asks for the next: half a minute.
      await benchSite(`${DELAY_MS} ms away in each direction`, proxy.url, pages, tree, folder, 1),
    ].join('\n');
  } finally {
    proxy.close();
    await nginx.close();
  }
}

async function benchSite(
  label: string,
  url: string,
  pages: readonly string[],
  tree: BenchTree,
  folder: string,
  rounds: number,
): Promise<string> {
  const name = label.replaceAll(' ', '-');
  const curlFile = join(folder, `${name}.txt`);
  writeFileSync(curlFile, pages.map((path) => `url = "${url}${path}"\noutput = "/dev/null"\n`).join(''));
  const fixture = new Fixture(join(folder, name), tree.root, [url]);
  const curl = [
    'curl',
    '-s',
    '--no-progress-meter',
    '--globoff',
    '--path-as-is',
    '--parallel',
    '--parallel-max',
    '2',
    '-K',
    curlFile,
  ] as const;
  const check = fixture.command(`\`redirector check\`, ${label}`, 0, ['check', '--quiet', '--json']);
  const figures = await measure([check, { label: '`curl`, 2 connections', steps: 0, argv: curl }], rounds);
  const [listing, alone] = inTurn(rounds, [
    () => {
      const printed = execFileSync(process.execPath, ['--import', 'tsx', bareListing, fixture.output]).toString();
      return JSON.parse(printed).elapsedMs / 1000;
    },
    () => {
      const startedAtMs = performance.now();
      execFileSync(curl[0], curl.slice(1));
      return (performance.now() - startedAtMs) / 1000;
    },
  ]) as [number, number];
  const { totals } = JSON.parse(figures[0]?.stdout ?? '{}');
  return [
    TABLE_HEAD,
    ...figures.map(row),
    '',
    `The listing in it, from the first request to the last verdict: ${listing.toFixed(2)} s, ` +
      `${(listing / alone).toFixed(2)} × the transfer alone; ` +
      `${totals.requests.toLocaleString('en')} requests with the samples.`,
  ].join('\n');
}

/** The medians of what each of `jobs`, one after the other, round after round, says that it took. */
function inTurn(rounds: number, jobs: readonly (() => number)[]): number[] {
  const seconds = jobs.map(() => [] as number[]);
  for (let round = 0; round < rounds; round++) for (const [i, job] of jobs.entries()) seconds[i]?.push(job());
  return seconds.map(median);
}

/** The canonical paths of all directories below a folder, each with a slash at its end. */
function directoriesIn(folder: Buffer, prefix: string): string[] {
  return readdirSync(folder, { encoding: 'buffer', withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return [];
    const path = `${prefix}${pathFromBytes(entry.name)}/`;
    return [path, ...directoriesIn(Buffer.concat([folder, Buffer.from('/'), entry.name]), path)];
  });
}
