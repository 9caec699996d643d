import { join } from 'node:path';
import { type HeadRunReport, headAll } from '../checker/net/head-run.ts';
import { HostBudgets } from '../checker/net/host-budget.ts';
import { startNginx } from '../test/servers/nginx.ts';
import { startDelayingProxy } from './delaying-proxy.ts';
import { Fixture } from './fixture.ts';
import { measure, median, row, TABLE_HEAD } from './measure.ts';
import { type BenchTree, onlyDistfiles } from './tree.ts';

const DELAY_MS = 50;
/** Enough for a rate that does not change any more, at 40 a second. */
const UNPIPELINED = 400;

/** Requests after which nginx ends a connection: its own default, and that of other servers. */
const LIMITS = [1000, 100];

/**
 * HEAD of every distfile through a proxy that delays by 50 ms each way, against the same without pipelining. Throws where
 * an object is lost because the server ends its connections.
 */
export async function benchLatency(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const root = join(folder, 'latency-tree');
  const paths = onlyDistfiles(tree, root);
  const nginx = await startNginx(LIMITS.map((keepaliveRequests) => ({ root, indexes: false, keepaliveRequests })));
  const proxies = await Promise.all(nginx.sites.map(({ httpUrl }) => startDelayingProxy(httpUrl as string, DELAY_MS)));
  try {
    const unpipelined = await rateOf(new URL(proxies[0]?.url as string).origin, paths.slice(0, UNPIPELINED));
    const commands = proxies.map(({ url }, i) => {
      const fixture = new Fixture(join(folder, `latency-${i}`), root, [url]);
      const label = `\`redirector check\` by HEAD, keepalive_requests ${LIMITS[i]}`;
      return fixture.command(label, paths.length, ['check', '--quiet', '--json']);
    });
    const figures = await measure(commands, Math.min(rounds, 3));
    const found = figures.map(({ stdout }) => JSON.parse(stdout).totals.present);
    if (found.some((present) => present !== found[0])) throw new Error(`lost: ${found.join(' and ')} objects found`);
    const times = figures.map(({ seconds, steps }) => Math.round(steps / median(seconds) / unpipelined));
    return [
      `### HEAD of ${paths.length.toLocaleString('en')} objects on one nginx, ${DELAY_MS} ms away in each direction`,
      '',
      TABLE_HEAD,
      ...figures.map(row),
      '',
      `One at a time on as many connections: ${unpipelined.toFixed(1)}/s. The whole command is ${times.join(' and ')} times as fast.`,
    ].join('\n');
  } finally {
    for (const proxy of proxies) proxy.close();
    await nginx.close();
  }
}

async function rateOf(origin: string, paths: readonly string[]): Promise<number> {
  const startedAtMs = performance.now();
  const report: HeadRunReport = await headAll({
    origin,
    userAgent: 'redirector-bench/1',
    count: paths.length,
    pathOf: (index) => paths[index] as string,
    onAnswer: () => {},
    onFailure: (_, reason) => console.error(reason),
    connections: 4,
    depth: { first: 1, most: 1 },
    budget: new HostBudgets().of(origin),
    maxStrikes: 3,
    timeoutMs: 10_000,
    budgetMs: 600_000,
    signal: new AbortController().signal,
  });
  if (report.ended !== 'whole') throw new Error(report.reason);
  return paths.length / ((performance.now() - startedAtMs) / 1000);
}
