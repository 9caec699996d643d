import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeStatus } from '../core/formats/status-file.ts';
import { outputLayout } from '../core/output-layout.ts';
import { distfilesXml } from '../demo/distfiles-xml.ts';
import { picture, tableOf } from '../docs/make-picture.ts';
import { requires } from './debian-packages.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

requires('curl', 'rsync')('npm start', () => {
  const output = mkdtempSync(join(tmpdir(), 'redirector-demo-'));
  const startedMs = Date.now();
  let child: ChildProcess;
  let printed = '';
  let readyMs = 0;

  beforeAll(async () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const [program, ...args] = scripts.start.split(' ') as [string, ...string[]];
    // One pipe for both: of two nobody can tell what was printed first.
    const command = ['-c', 'exec "$0" "$@" 2>&1', program, ...args, '--output', output];
    child = spawn('sh', command, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise<void>((resolve, reject) => {
      const onData = (chunk: Buffer) => {
        printed += chunk.toString();
        if (printed.includes('Ctrl-C ends it.')) resolve();
      };
      child.stdout?.on('data', onData);
      child.on('exit', (code) => reject(new Error(`ended with ${code}: ${printed}`)));
    });
    readyMs = Date.now();
  }, 120_000);

  afterAll(() => {
    child.kill('SIGKILL');
    rmSync(output, { recursive: true, force: true });
  });

  it('is ready in under a minute', () => {
    expect(readyMs - startedMs).toBeLessThan(60_000);
  });

  it('prints the table that the README shows', () => {
    const shown = readFileSync(join(root, 'docs/demo.svg'), 'utf8');
    expect(picture(tableOf(printed))).toBe(shown);
  });

  it('finds what is wrong with each mirror', () => {
    for (const finding of [
      /Miroir de la Loire.*down: stamp is 96 h behind the master .* 2,856 │/,
      /Prairie Hosting.*down: answers 200 to names that don't exist/,
      /Kamo River Net.*down: no answer within 2 s/,
      /Coral Sea Mirrors.*down: connection refused/,
      /Wattle & Gum.*down: answers 403/,
      /Sumida Institute.*up .* 3,127 │ +0 │ +0 │/,
    ]) {
      expect(printed).toMatch(finding);
    }
  });

  it('names three curl lines that work', async () => {
    const lines = printed.split('\n').filter((line) => line.startsWith('  curl '));
    expect(lines).toHaveLength(3);
    const [found, followed, unknown] = await Promise.all(
      lines.map(async (line) => (await run('sh', ['-c', line])).stdout),
    );
    expect(found).toMatch(/^HTTP\/1\.1 302 Found\r\n/);
    expect(found).toMatch(/x-redirector: region=DE tier=0 /);
    expect(followed).toMatch(/^200 [1-9]\d* bytes from http:\/\/127\.0\.0\.1:\d+\/.*%252F/);
    expect(unknown).toMatch(/x-redirector: fallback: unknown object/);
  });

  it('names a look-up that explains the answer', async () => {
    const line = /npx redirector lookup .*/
      .exec(printed)?.[0]
      .replace('npx redirector', `"${process.execPath}" redirector.js`) as string;
    const { stdout } = await run('sh', ['-c', line], { cwd: root });
    expect(stdout).toMatch(/^→ 302 http:\/\/127/m);
    expect(stdout).toMatch(/✓ holds it .*\(tier 0, 0 km\)/);
  });

  it('serves the site', async () => {
    const url = /The status site: +(\S+)/.exec(printed)?.[1] as string;
    expect(await (await fetch(url)).text()).toContain('10 of 15 access points are up');
    expect((await fetch(new URL('nothing', url))).status).toBe(404);
  });

  it('ends cleanly with Ctrl-C', async () => {
    const edge = /http:\/\/127\.0\.0\.1:\d+\//.exec(printed.slice(printed.indexOf('The edge listens')))?.[0] as string;
    const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)));
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    await expect(fetch(edge)).rejects.toThrow();
  });

  it('leaves an output folder in which a run of one’s own goes well', async () => {
    const file = Buffer.from('a file');
    const mirror = createServer(({ url, method }, response) => {
      const body = url === '/distfiles/a.tar.xz' ? file : Buffer.alloc(0);
      response.writeHead(body === file ? 200 : 404, { 'content-length': body.length });
      response.end(method === 'HEAD' ? undefined : body);
    }).listen(0, '127.0.0.1');
    await once(mirror, 'listening');
    try {
      const url = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}/`;
      mkdirSync(join(output, 'master/distfiles'), { recursive: true });
      writeFileSync(join(output, 'master/distfiles/a.tar.xz'), file);
      const listed = { name: 'One', region: 'Europe', listedAs: 'DE', countryName: 'Germany', partial: false };
      writeFileSync(join(output, 'distfiles.xml'), distfilesXml([{ ...listed, urls: [url] }]));
      writeFileSync(
        join(output, 'redirector.toml'),
        `name = "One"\nfallback = "${url}"\n[[inventory]]\nfrom = "master"\n[mirrors]\nlist = "distfiles.xml"\n`,
      );
      const args = ['redirector.js', 'run', '--config', join(output, 'redirector.toml'), '--output', output];
      await run(process.execPath, args, { cwd: root });
      const status = decodeStatus(readFileSync(outputLayout.siteData(output), 'utf8'), 'status.json');
      expect(status.mirrors.flatMap(({ accessPoints }) => accessPoints)).toMatchObject([{ url, state: 'up' }]);
      expect(existsSync(join(output, 'demo/tree'))).toBe(true);
    } finally {
      mirror.close();
    }
  });
});
