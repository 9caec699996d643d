import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { headAll } from '../checker/net/head-run.ts';
import { HostBudgets } from '../checker/net/host-budget.ts';
import { startNginx } from '../test/servers/nginx.ts';
import { median } from './measure.ts';
import { type BenchTree, onlyDistfiles } from './tree.ts';

const OBJECTS = 20_000;

/** HEAD over TLS on one nginx: pipelined HTTP/1.1 on 4 connections against HTTP/2 with 100 streams on 2. */
export async function benchHttp2(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const root = join(folder, 'http2-tree');
  const paths = onlyDistfiles(tree, root).slice(0, OBJECTS);
  const limits = [1000, 100];
  const site = { root, protocols: ['https'], http2: true } as const;
  const nginx = await startNginx(limits.map((keepaliveRequests) => ({ ...site, keepaliveRequests })));
  const ca = readFileSync(nginx.caFile as string);
  const rows: string[] = [];
  try {
    for (const [i, limit] of limits.entries()) {
      const url = nginx.sites[i]?.httpsUrl as string;
      for (const http2 of [false, true]) {
        const rates: number[] = [];
        let requests = 0;
        for (let round = -1; round < rounds; round++) {
          const startedAtMs = performance.now();
          requests = await ask(url, paths, http2, ca);
          if (round >= 0) rates.push(paths.length / ((performance.now() - startedAtMs) / 1000));
        }
        const again = `${Math.round((requests / paths.length - 1) * 100)} %`;
        const rate = `${Math.round(median(rates)).toLocaleString('en')}/s`;
        rows.push(`| ${http2 ? 'HTTP/2' : 'HTTP/1.1, pipelined'} | ${limit} | ${rate} | ${again} |`);
      }
    }
  } finally {
    await nginx.close();
  }
  return [
    `### HEAD of ${paths.length.toLocaleString('en')} objects over TLS on one nginx on loopback, in one process`,
    '',
    '| protocol | keepalive_requests | rate | asked again |\n|---|---|---|---|',
    ...rows,
  ].join('\n');
}

async function ask(url: string, paths: readonly string[], http2: boolean, ca: Buffer): Promise<number> {
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
    connections: http2 ? 2 : 4,
    depth: { first: 4, most: http2 ? 100 : 256 },
    http2,
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
