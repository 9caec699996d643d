import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type HeadRunReport, headAll } from '../checker/net/head-run.ts';
import { HostBudgets } from '../checker/net/host-budget.ts';
import { startNginx } from '../test/servers/nginx.ts';
import { Fixture } from './fixture.ts';
import { measure, median, row, TABLE_HEAD } from './measure.ts';
import { type BenchTree, onlyDistfiles } from './tree.ts';

const proxyProgram = fileURLToPath(new URL('delaying-proxy.mjs', import.meta.url));
const DELAY_MS = 50;
/** Enough for a rate that does not change any more, at 40 a second. */
const UNPIPELINED = 400;

/** HEAD of every distfile through a proxy that delays by 50 ms each way, against the same without pipelining. */
export async function benchLatency(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const root = join(folder, 'latency-tree');
  const paths = onlyDistfiles(tree, root);
  const nginx = await startNginx([{ root, indexes: false }]);
  const proxy = await startProxy(nginx.sites[0]?.httpUrl as string);
  try {
    const unpipelined = await rateOf(new URL(proxy.url).origin, paths.slice(0, UNPIPELINED));
    const fixture = new Fixture(join(folder, 'latency'), root, [proxy.url]);
    const check = fixture.command('`redirector check` by HEAD', paths.length, ['check', '--quiet']);
    const figures = await measure([check], rounds);
    const times = figures.map(({ seconds, steps }) => Math.round(steps / median(seconds) / unpipelined));
    return [
      `### HEAD of ${paths.length.toLocaleString('en')} objects on one nginx, ${DELAY_MS} ms away in each direction`,
      '',
      TABLE_HEAD,
      ...figures.map(row),
      '',
      `One at a time on as many connections: ${unpipelined.toFixed(1)}/s. The whole command is ${times.join()} times as fast.`,
    ].join('\n');
  } finally {
    proxy.close();
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

interface Proxy {
  readonly url: string;
  close(): void;
}

async function startProxy(target: string): Promise<Proxy> {
  const child = spawn(process.execPath, [proxyProgram, new URL(target).port, String(DELAY_MS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return { url: `http://127.0.0.1:${port.toString().trim()}/`, close: () => void child.kill() };
}
