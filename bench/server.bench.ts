import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { requestPath } from '../core/inventory.ts';
import { readLeader } from '../core/node/leader-files.ts';
import { outputLayout } from '../core/output-layout.ts';
import { fleetEvidence } from '../test/fleet.ts';
import { startNginx } from '../test/servers/nginx.ts';
import { mapsOf } from '../test/small-build.ts';
import { Fixture } from './fixture.ts';
import { median } from './measure.ts';
import type { BenchTree } from './tree.ts';

const run = promisify(execFile);
const redirector = fileURLToPath(new URL('../redirector.js', import.meta.url));
const script = fileURLToPath(new URL('names.lua', import.meta.url));
const CONNECTIONS = 32;
const SECONDS = 5;

/**
 * Redirects a second of `redirector edge`: every name of the tree once, and one name again and again; by wrk, whose own
 * limit is shown against nginx, which does nothing but redirect.
 */
export async function benchServer(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const fixture = new Fixture(join(folder, 'server'), tree.root, ['https://m0.example.org/gentoo/']);
  const { inventory } = readLeader(fixture.output);
  const count = inventory.paths.length;
  const { keys } = mapsOf(inventory, fleetEvidence(count, 100), null, Date.now());
  const keysFile = outputLayout.edgeKeys(fixture.output);
  mkdirSync(dirname(keysFile), { recursive: true });
  writeFileSync(keysFile, JSON.stringify({ data: keys.map(([key, value]) => ({ key, value })) }));
  const all = join(folder, 'all.txt');
  const hot = join(folder, 'hot.txt');
  const paths = Array.from({ length: count }, (_, id) => `/${requestPath(inventory, id)}`);
  writeFileSync(all, paths.join('\n'));
  writeFileSync(hot, paths.find((path) => path.endsWith('.xz')) ?? (paths[0] as string));
  const nginx = await startNginx([{ root: folder, directives: 'return 302 https://m0.example.org$request_uri;' }]);
  const rows: string[] = [];
  try {
    for (const [label, names] of [
      ['every name once', all],
      ['one name', hot],
    ] as const) {
      rows.push(await row(`\`redirector edge\`, ${label}`, rounds, () => ofNode(edgeArguments(fixture), names)));
      rows.push(await row(`Node’s http alone, ${label}`, rounds, () => ofNode(['-e', BARE], names)));
      rows.push(
        await row(`nginx \`return 302\`, ${label}`, rounds, () => rate(nginx.sites[0]?.httpUrl as string, names)),
      );
    }
  } finally {
    await nginx.close();
  }
  return [
    `### Redirects a second, ${count.toLocaleString('en')} names, ${CONNECTIONS} connections, wrk on the same machine`,
    '',
    '| server | median | min–max | for a second of its processor time | failed |',
    '|---|--:|--:|--:|--:|',
    ...rows,
  ].join('\n');
}

interface Rate {
  readonly perSecond: number;
  readonly failed: number;
  /** Redirects for each second of the server's own time on a processor; null = not measured. */
  readonly perCpuSecond: number | null;
}

async function row(label: string, rounds: number, once: () => Promise<Rate>): Promise<string> {
  await once();
  const rates: Rate[] = [];
  for (let round = 0; round < rounds; round++) rates.push(await once());
  const all = rates.map(({ perSecond }) => perSecond);
  const cpu = rates.flatMap(({ perCpuSecond }) => perCpuSecond ?? []);
  const shown = [median(all), Math.min(...all), Math.max(...all), cpu.length === 0 ? 0 : median(cpu)].map((one) =>
    Math.round(one).toLocaleString('en'),
  );
  const failed = rates.reduce((sum, one) => sum + one.failed, 0);
  return `| ${label} | ${shown[0]}/s | ${shown[1]}–${shown[2]} | ${cpu.length === 0 ? '' : shown[3]} | ${failed} |`;
}

/** Node's own limit: the same headers, and nothing looked up. */
const BARE = `
const headers = { 'cache-control': 'private, no-store', location: 'https://m0.example.org/', 'content-length': 0 };
const server = require('http').createServer((request, response) => {
  response.writeHead(302, headers);
  response.end();
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ edge: 'http://127.0.0.1:' + server.address().port + '/' }, null, 2)));
`;

function edgeArguments(fixture: Fixture): string[] {
  return [
    redirector,
    ...['edge', '--port', '0', '--json', '--config', join(fixture.folder, 'redirector.toml')],
    ...['--output', fixture.output],
  ];
}

/** A server of its own each time: no name was asked for before. */
async function ofNode(args: readonly string[], names: string): Promise<Rate> {
  const child = spawn(process.execPath, args);
  try {
    const url = await urlOf(child);
    const before = cpuSeconds(child);
    const found = await rate(url, names);
    return { ...found, perCpuSecond: found.requests / (cpuSeconds(child) - before) };
  } finally {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
}

function urlOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    child.stdout?.on('data', (chunk) => {
      printed += chunk;
      if (printed.endsWith('}\n')) resolve(JSON.parse(printed).edge);
    });
    child.on('exit', (code) => reject(new Error(`redirector edge ended with ${code}`)));
  });
}

/** User and system time so far: proc(5), fields 14 and 15, in hundredths of a second. */
function cpuSeconds({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function rate(url: string, names: string): Promise<Rate & { readonly requests: number }> {
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, '-s', script, url, '--', names];
  const { stdout } = await run('wrk', args);
  const [, requests, seconds, failed] = /^requests (\d+) seconds ([\d.]+) failed (\d+)$/m.exec(stdout) ?? [];
  if (requests === undefined) throw new Error(`wrk said: ${stdout}`);
  return {
    requests: Number(requests),
    perSecond: Number(requests) / Number(seconds),
    failed: Number(failed),
    perCpuSecond: null,
  };
}
