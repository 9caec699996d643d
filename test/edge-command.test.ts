import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { outputLayout } from '../core/output-layout.ts';
import { mmdbOf } from './mmdb.ts';
import { FALLBACK } from './small-build.ts';
import { importForm } from './suites/adapter.ts';

const redirector = fileURLToPath(new URL('../redirector.js', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'redirector-edge-'));
const keysFile = outputLayout.edgeKeys(join(work, 'output'));
mkdirSync(dirname(keysFile), { recursive: true });
writeFileSync(join(work, 'redirector.toml'), `fallback = "${FALLBACK}"\n[[inventory]]\nfrom = "tree"\n`);
const OBJECT = '/distfiles/ab/pkg-2%252F%2B%23.zip';

/** As an operator replaces a file. */
function put(file: string, content: string | Buffer): void {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}
beforeEach(() => put(keysFile, importForm));

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Edge {
  readonly url: string;
  /** What it has said on stderr so far. */
  said(): string;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<number | null>;
}

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [redirector, 'edge', '--port', '0', ...args], { cwd: work });
  running.add(child);
  return child;
}

async function startEdge(...args: string[]): Promise<Edge> {
  const child = start('--json', ...args);
  let said = '';
  let printed = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (chunk) => {
      printed += chunk;
      if (printed.endsWith('}\n')) resolve(JSON.parse(printed).edge);
    });
    child.on('exit', () => reject(new Error(said)));
  });
  return { url, said: () => said, signal: (name) => child.kill(name), ended };
}

async function failure(...args: string[]): Promise<{ code: number | null; said: string }> {
  const child = start(...args);
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  return { code: await new Promise((resolve) => child.on('close', resolve)), said };
}

const agent = new Agent({ keepAlive: true, maxSockets: 4 });
afterAll(() => agent.destroy());

function ask(url: string, headers: Record<string, string> = {}): Promise<Record<string, string>> {
  return new Promise((resolve, reject) => {
    get(new URL(OBJECT, url), { agent, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.headers as Record<string, string>));
    }).on('error', reject);
  });
}

const from = (ip: string) => ({ 'x-forwarded-for': ip, 'x-forwarded-proto': 'https' });
const geo = (networks: Record<string, string>) =>
  mmdbOf(Object.fromEntries(Object.entries(networks).map(([net, code]) => [net, { country: { iso_code: code } }])));

describe('redirector edge', { timeout: 30_000 }, () => {
  it('sends viewers by a GeoIP file, and takes a new one and new keys over without dropping a request', async () => {
    const geoFile = join(work, 'geo.mmdb');
    put(geoFile, geo({ '192.0.2.0/24': 'DE', '2001:db8:1::/48': 'JP' }));
    const edge = await startEdge('--geo', geoFile, '--trust', '127.0.0.1');
    expect((await ask(edge.url, from('192.0.2.7')))['location']).toBe(`https://de.example.org/gentoo${OBJECT}`);
    expect((await ask(edge.url, from('2001:db8:1::7')))['x-redirector']).toContain('region=JP');
    expect((await ask(edge.url, from('203.0.113.1')))['x-redirector']).toContain('region=--');
    // Asked without a pause while both files change, and at SIGHUP.
    let isOver = false;
    const seen = new Set<string>();
    const asking = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (!isOver) seen.add((await ask(edge.url, from('192.0.2.7')))['location'] as string);
      }),
    );
    const until = async (location: string) => {
      while (!seen.has(location)) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    await until(`https://de.example.org/gentoo${OBJECT}`);
    put(geoFile, geo({ '192.0.2.0/24': 'US' }));
    await until(`https://us.example.org/gentoo${OBJECT}`);
    put(keysFile, importForm.replaceAll('us.example.org', 'moved.example.org'));
    edge.signal('SIGHUP');
    await until(`https://moved.example.org/gentoo${OBJECT}`);
    isOver = true;
    await asking;
    expect(edge.said()).toBe('');
    edge.signal('SIGINT');
    expect(await edge.ended).toBe(0);
  });

  it('keeps what it has where a new file is torn, and says so once', async () => {
    const edge = await startEdge();
    put(keysFile, '{"data":[');
    for (let i = 0; i < 3; i++) {
      edge.signal('SIGHUP');
      while (edge.said().split('\n').length <= i + 1) {
        expect((await ask(edge.url))['location']).toContain('.example.org/gentoo/');
      }
    }
    expect(edge.said().split('\n')[0]).toMatch(/kvs\.json: not a key file .* stays in force$/);
    put(keysFile, importForm);
  });

  it('believes nobody but the proxies it is told of', async () => {
    const geoFile = join(work, 'geo.mmdb');
    put(geoFile, geo({ '192.0.2.0/24': 'DE', '127.0.0.0/8': 'BR', '0.0.0.0/8': 'US' }));
    const wary = await startEdge('--geo', geoFile, '--trust', '10.0.0.0/8', '--trust', '2001:db8::/32');
    expect((await ask(wary.url, from('192.0.2.7')))['x-redirector']).toContain('region=BR');
    expect((await ask(wary.url, from('192.0.2.7')))['location']).toMatch(/^http:/);
  });

  it('listens on IPv6', async () => {
    const edge = await startEdge('--host', '::1', '--trust', '::1');
    expect(edge.url).toMatch(/^http:\/\/\[::1\]:\d+\/$/);
    expect((await ask(edge.url, from('192.0.2.7')))['location']).toMatch(/^https:/);
  });

  it('answers what is under way before it ends, and takes nothing new', async () => {
    const edge = await startEdge();
    const { port } = new URL(edge.url);
    const socket = connect(Number(port), '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk;
    });
    const closed = new Promise((resolve) => socket.on('close', resolve));
    await new Promise((resolve) => socket.write(`GET ${OBJECT} HTTP/1.1\r\nHost: x\r\n`, resolve));
    // The first half has arrived when a request behind it is answered.
    await ask(edge.url);
    edge.signal('SIGTERM');
    const refused = async () => {
      for (;;) {
        const isRefused = await new Promise((resolve) => {
          const other = connect(Number(port), '127.0.0.1', () => resolve(false)).on('error', () => resolve(true));
          other.on('close', () => other.destroy()).on('connect', () => other.destroy());
        });
        if (isRefused) return;
      }
    };
    await refused();
    socket.write('\r\n');
    await closed;
    expect(received).toMatch(/^HTTP\/1\.1 302 Found\r\n/);
    expect(received.toLowerCase()).toContain('\r\nconnection: close\r\n');
    expect(await edge.ended).toBe(0);
  });

  it('says in a sentence what it cannot work with', async () => {
    put(join(work, 'text.mmdb'), 'Country,City\n');
    expect(await failure('--geo', join(work, 'text.mmdb'))).toMatchObject({
      code: 2,
      said: expect.stringMatching(/text\.mmdb: not a GeoIP file/),
    });
    expect(await failure('--geo', join(work, 'none.mmdb'))).toMatchObject({
      code: 2,
      said: expect.stringMatching(
        /^[^ ]*none\.mmdb: cannot be read \(there is no such file\); give --geo a GeoIP file\n$/,
      ),
    });
    expect(await failure('--trust', 'proxy.example')).toMatchObject({
      code: 2,
      said: expect.stringMatching(
        /^trusted proxy "proxy\.example": not an address or network such as "10\.0\.0\.0\/8"\n$/,
      ),
    });
    expect(await failure('--output', join(work, 'nothing'))).toMatchObject({
      code: 2,
      said: expect.stringMatching(/run "redirector run" first\n$/),
    });
  });
});
