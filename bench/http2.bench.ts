import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { headAll } from '../checker/net/head-run.ts';
import { HostBudgets } from '../checker/net/host-budget.ts';
import { startNginx } from '../test/servers/nginx.ts';
import { startDelayingProxy } from './delaying-proxy.ts';
import { median } from './measure.ts';
import { type BenchTree, onlyDistfiles } from './tree.ts';

/** Requests after which nginx ends a connection: its own default, and that of other servers. */
const LIMITS = [1000, 100];
/** In each direction, and how many objects are asked for then. */
const PLACES = [
  { delayMs: 0, objects: 10_000 },
  { delayMs: 50, objects: 4_000 },
];

interface Way {
  readonly name: string;
  readonly connections: number;
  readonly most: number;
  readonly http2: boolean;
}

const WAYS: readonly Way[] = [
  { name: 'HTTP/1.1, pipelined, 4 connections', connections: 4, most: 256, http2: false },
  { name: 'HTTP/2, 100 streams, 2 connections', connections: 2, most: 100, http2: true },
  { name: 'HTTP/2, 100 streams, 4 connections', connections: 4, most: 100, http2: true },
];

/** HEAD over TLS on one nginx, here and far away: pipelined HTTP/1.1 against HTTP/2. */
export async function benchHttp2(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const root = join(folder, 'http2-tree');
  const paths = onlyDistfiles(tree, root);
  const site = { root, protocols: ['https'], http2: true } as const;
  const nginx = await startNginx(LIMITS.map((keepaliveRequests) => ({ ...site, keepaliveRequests })));
  const ca = readFileSync(nginx.caFile as string);
  const rows: string[] = [];
  try {
    for (const { delayMs, objects } of PLACES) {
      for (const [i, limit] of LIMITS.entries()) {
        const proxy = await startDelayingProxy(nginx.sites[i]?.httpsUrl as string, delayMs);
        for (const way of WAYS) {
          const asked = paths.slice(0, objects);
          const run = () => askOnce(proxy.url, asked, way, ca);
          const cells = await measured(run, asked.length, Math.min(rounds, 3));
          rows.push(`| ${delayMs} ms | ${limit} | ${way.name} | ${cells} |`);
        }
        proxy.close();
      }
    }
  } finally {
    await nginx.close();
  }
  return [
    '### HEAD over TLS on one nginx through a proxy, in one process',
    '',
    '| each way | keepalive_requests | protocol | rate | objects a second of processor | asked again |',
    '|--:|--:|---|--:|--:|--:|',
    ...rows,
  ].join('\n');
}

/** Once to warm up, then so many times: the cells of a row. */
async function measured(run: () => Promise<number>, objects: number, rounds: number): Promise<string> {
  const rates: number[] = [];
  const perCpuSecond: number[] = [];
  let requests = 0;
  for (let round = -1; round < rounds; round++) {
    const startedAtMs = performance.now();
    const cpuBefore = process.cpuUsage();
    requests = await run();
    if (round < 0) continue;
    const { user, system } = process.cpuUsage(cpuBefore);
    rates.push(objects / ((performance.now() - startedAtMs) / 1000));
    perCpuSecond.push(objects / ((user + system) / 1e6));
  }
  const [rate, perCpu] = [rates, perCpuSecond].map((values) => Math.round(median(values)).toLocaleString('en'));
  return `${rate}/s | ${perCpu} | ${Math.round((requests / objects - 1) * 100)} %`;
}

/** Asks for all of them; answers how many requests that took. Throws where one is lost. */
async function askOnce(url: string, paths: readonly string[], way: Way, ca: Buffer): Promise<number> {
  let present = 0;
  const report = await headAll({
    origin: new URL(url).origin,
    userAgent: 'redirector-bench/1',
    count: paths.length,
    pathOf: (index) => paths[index] as string,
    onAnswer: (_index, status) => {
      if (status === 200) present++;
    },
    onFailure: () => {},
    connections: way.connections,
    depth: { first: 4, most: way.most },
    http2: way.http2,
    budget: new HostBudgets().of(url),
    maxStrikes: 3,
    timeoutMs: 10_000,
    budgetMs: 600_000,
    signal: new AbortController().signal,
    ca,
  });
  if (present !== paths.length) throw new Error(`${present} of ${paths.length} answered: ${report.reason}`);
  return report.requests;
}
