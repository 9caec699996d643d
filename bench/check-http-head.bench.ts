/**
 * HEAD of every file of a tree at a loopback nginx: the whole check, a bare pipelining socket, and `curl --parallel`.
 * Each in a process of its own, in turns; the figure is the median of five, start-up, loading and writing included.
 *
 *   npx tsx bench/check-http-head.bench.ts [objects]
 *
 * The tree is made up, or the first files of the folder that REDIRECTOR_TREE names.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCheck } from '../checker/run.ts';
import { testInventory } from '../checker/testing/inventory.ts';
import { startNginx, tempFolder } from '../checker/testing/servers.ts';
import { decodeInventory, encodeInventory } from '../core/formats/inventory-file.ts';
import { pathFromLatin1 } from '../core/path-bytes.ts';
import { silentProgress } from '../core/progress.ts';

const ROUNDS = 5;
const CONNECTIONS = 4;
const DEPTH = 64;

async function check(folder: string, port: number): Promise<number> {
  const url = `http://127.0.0.1:${port}/`;
  const common = { mirrorId: 'm', protocol: 'http', url, ipv4: true, ipv6: false, partial: false } as const;
  const mirror = { id: 'm', name: 'm', places: [], weight: 1, drained: false };
  const summary = await runCheck({
    output: join(folder, 'output'),
    inventory: decodeInventory(readFileSync(join(folder, 'inventory')), 'inventory'),
    mirrors: {
      version: 1,
      takenAtMs: 0,
      mirrors: [{ ...mirror, accessPoints: [{ id: 'm.http', ...common }] }],
      notes: [],
    },
    only: { mirrorIds: [], treePrefix: '' },
    userAgent: 'redirector-bench',
    timeoutMs: 10_000,
    nowMs: Date.now,
    progress: silentProgress,
    signal: new AbortController().signal,
  });
  return summary.totals.present;
}

/** The least a pipelining client can do: counts the answers that are 200. */
async function bareSocket(folder: string, port: number): Promise<number> {
  const paths = readFileSync(join(folder, 'paths'), 'latin1').split('\n');
  let next = 0;
  let present = 0;
  const one = async (): Promise<void> => {
    while (next < paths.length) {
      const socket = connect(port, '127.0.0.1').setNoDelay(true);
      const underWay: number[] = [];
      let rest = '';
      const fill = () => {
        let text = '';
        while (underWay.length < DEPTH && next < paths.length) {
          text += `HEAD /${paths[next]} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
          underWay.push(next++);
        }
        if (text !== '') socket.write(text, 'latin1');
        else if (underWay.length === 0) socket.end();
      };
      socket.on('data', (chunk) => {
        const heads = (rest + chunk.toString('latin1')).split('\r\n\r\n');
        rest = heads.pop() as string;
        for (const head of heads) {
          if (head.startsWith('HTTP/1.1 200')) present++;
          underWay.shift();
        }
        fill();
      });
      fill();
      await once(socket, 'close');
      if (underWay.length > 0) throw new Error('the bare client needs an unlimited keepalive_requests');
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  return present;
}

async function timed(command: string, flags: readonly string[]): Promise<{ ms: number; output: string }> {
  const startedAtMs = performance.now();
  const child = spawn(command, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output = (output + chunk).slice(-100_000_000);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
  return { ms: performance.now() - startedAtMs, output };
}

function filesBelow(root: string, limit: number): { name: string; sizeBytes: number }[] {
  const found: { name: string; sizeBytes: number }[] = [];
  const entries = readdirSync(root, { withFileTypes: true, recursive: true, encoding: 'utf8' });
  for (const entry of entries) {
    if (found.length === limit) break;
    if (!entry.isFile()) continue;
    const full = join(entry.parentPath, entry.name);
    found.push({ name: full.slice(root.length + 1), sizeBytes: statSync(full).size });
  }
  return found;
}

function makeUp(root: string, count: number): void {
  for (let i = 0; i < count; i++) {
    const folder = join(root, 'distfiles', (i % 256).toString(16).padStart(2, '0'));
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `package-${i}+dfsg-1.0.tar.xz`);
    writeFileSync(file, '');
    truncateSync(file, 1000 + i);
  }
}

async function bench(count: number): Promise<void> {
  const folder = tempFolder();
  const root = process.env['REDIRECTOR_TREE'] ?? join(folder.path, 'tree');
  if (process.env['REDIRECTOR_TREE'] === undefined) makeUp(root, count);
  const files = filesBelow(root, count).map(({ name, sizeBytes }) => {
    return { path: pathFromLatin1(Buffer.from(name).toString('latin1')), sizeBytes };
  });
  writeFileSync(join(folder.path, 'inventory'), encodeInventory(testInventory(files)));
  writeFileSync(join(folder.path, 'paths'), files.map(({ path }) => path).join('\n'));
  const nginx = await startNginx(root, 'keepalive_requests 1000;');
  const unlimited = await startNginx(root, 'keepalive_requests 1000000;');
  const urls = files.map(({ path }) => `url = "http://127.0.0.1:${nginx.port}/${path}"\noutput = "/dev/null"\n`);
  writeFileSync(join(folder.path, 'curl'), urls.join(''));
  const self = [...process.execArgv, fileURLToPath(import.meta.url)];
  const curl = [
    '--parallel',
    '--parallel-max',
    '50',
    '--head',
    '--no-progress-meter',
    '--write-out',
    '%{http_code}\\n',
  ];
  const contenders = {
    check: () => timed(process.execPath, [...self, 'check', folder.path, String(nginx.port)]),
    'bare socket': () => timed(process.execPath, [...self, 'bare', folder.path, String(unlimited.port)]),
    curl: () => timed('curl', [...curl, '--config', join(folder.path, 'curl')]),
  };
  const times: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      const { ms, output } = await run();
      const present = name === 'curl' ? output.split('200\n').length - 1 : Number(output);
      if (present !== files.length) throw new Error(`${name}: ${present} of ${files.length} present`);
      times[name] = [...(times[name] ?? []), ms];
    }
  }
  for (const [name, list] of Object.entries(times)) {
    const sorted = list.sort((a, b) => a - b).map(Math.round);
    const median = sorted[Math.floor(ROUNDS / 2)] as number;
    const rate = Math.round((files.length / median) * 1000).toLocaleString('en');
    console.log(`${name.padEnd(12)} ${rate.padStart(8)} objects/s  median ${median} ms of ${sorted.join(', ')}`);
  }
  await Promise.all([nginx.close(), unlimited.close()]);
  folder.close();
}

const [mode = '73000', folder = '', port = '0'] = process.argv.slice(2);
if (mode === 'check') console.log(await check(folder, Number(port)));
else if (mode === 'bare') console.log(await bareSocket(folder, Number(port)));
else await bench(Number(mode));
