import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withLock } from '../../core/node/lock.ts';
import { outputLayout } from '../../core/output-layout.ts';
import { mirrorListXml } from '../../test/mirror-list.ts';
import { noneIsUp } from './check.ts';

const redirector = fileURLToPath(new URL('../../redirector.js', import.meta.url));

it.each([
  [['down', 'down', 'down'], '; not one is up: is this machine connected?'],
  [['down', 'failing', 'down'], ''],
  [['down', 'down'], ''],
] as const)('wonders about this machine where all that many are down: %j', (states, said) => {
  expect(noneIsUp(states)).toBe(said);
});

describe('redirector check', () => {
  const work = mkdtempSync(join(tmpdir(), 'check-command-'));
  const output = join(work, 'output');
  let server: Server;
  /** Paths that are never answered. */
  let silent = /^$/;

  beforeAll(async () => {
    mkdirSync(join(work, 'tree'));
    for (let i = 0; i < 40; i++) writeFileSync(join(work, `tree/f${i}`), '1234567');
    server = createServer((request, response) => {
      if (silent.test(request.url as string)) return;
      const isThere = /^\/(f\d+)?$/.test(request.url as string);
      response.writeHead(isThere ? 200 : 404, { 'Content-Length': isThere ? 7 : 0 }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const mirror = (country: string, name: string) => ({ country, name, urls: [`http://${name}:${port}/`] });
    const list = mirrorListXml([mirror('DE', '127.0.0.1'), mirror('JP', 'localhost')]);
    writeFileSync(join(work, 'distfiles.xml'), list);
    const vantage = (name: string, country: string) =>
      `[[vantage]]\nname = "${name}"\ncountry = "${country}"\noverlap = 1`;
    const lines = ['fallback = "https://f.example.org/"', '[[inventory]]', 'from = "tree"'];
    writeFileSync(
      join(work, 'redirector.toml'),
      [...lines, vantage('eu-west', 'IE'), vantage('asia', 'KR'), ''].join('\n'),
    );
    await redirect('inventory');
  });

  afterAll(() => {
    server.close();
    server.closeAllConnections();
    rmSync(work, { recursive: true, force: true });
  });

  function redirect(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      execFile(process.execPath, [redirector, ...args], { cwd: work }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  const observed = () => readdirSync(outputLayout.observationsFolder(output), { recursive: true }).map(String).sort();

  it('with a vantage checks its mirrors into its own folder, which merge folds into the common one', async () => {
    const { code, stdout } = await redirect('check', '--vantage', 'eu-west');
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^check: 1 access point \(1 up, 0 failing, 0 down\); 41 /),
    ]);
    expect(observed()).toEqual(['eu-west', 'eu-west/127.0.0.1.http.msgpack']);
    const merged = await redirect('merge');
    expect([merged.code, merged.stdout]).toEqual([0, 'merge: 1 file into 1 access point\n']);
    expect(observed()[0]).toBe('127.0.0.1.http.msgpack');
  });

  it('in full asks for every object, though none is due', async () => {
    const planned = async (...args: string[]) => {
      const { stdout } = await redirect('check', '--vantage', 'eu-west', '--dry-run', '--json', ...args);
      return JSON.parse(stdout).map(({ objects }: { objects: number }) => objects);
    };
    const checkedInS = Math.floor(Date.now() / 1000);
    // What was asked in this very second is not asked again.
    await expect.poll(() => Math.floor(Date.now() / 1000), { timeout: 5000 }).toBeGreaterThan(checkedInS);
    expect(await planned()).toEqual([0]);
    expect(await planned('--full')).toEqual([41]);
    const dry = await redirect('check', '--vantage', 'eu-west', '--dry-run');
    const wet = await redirect('check', '--vantage', 'eu-west');
    expect([dry.stdout, wet.stdout]).toEqual(['check: nothing is due\n', 'check: nothing is due\n']);
  });

  it('out of budget ends well, with what is left for the next', async () => {
    silent = /f3\d$/;
    const args = ['check', '--vantage', 'asia', '--budget', '900ms', '--only', 'new'];
    const { code, stdout } = await redirect(...args);
    silent = /^$/;
    expect([code, stdout]).toEqual([0, expect.stringMatching(/; out of budget, for the next run: \d+ new\n$/)]);
    const { stdout: json } = await redirect(...args, '--json');
    expect(JSON.parse(json)).toMatchObject({ outOfBudget: false, left: { new: 0 } });
  });

  it('refuses a folder in which another one works; a dry run looks on', async () => {
    await withLock(output, 'build', async () => {
      const { code, stderr } = await redirect('check');
      const wanted = `${output}: another one works there ("redirector build", process ${process.pid}, since `;
      expect([code, stderr]).toEqual([1, expect.stringContaining(wanted)]);
      const dry = await redirect('check', '--dry-run');
      expect([dry.code, dry.stdout]).toEqual([
        0,
        expect.stringMatching(/http: \d+ objects by http-head( \(\d+ new\))?\n/),
      ]);
    });
    expect(existsSync(outputLayout.lock(output))).toBe(false);
  });

  it.each([
    [['--vantage', 'mars'], '--vantage "mars": no such vantage; there are: eu-west, asia'],
    [['--budget', '20'], 'Give a time like 90s, 20m or 6h.'],
    [['--only', 'old'], 'Allowed choices are new, expired, all.'],
  ])('refuses %j and says what is allowed', async (args, message) => {
    const { code, stderr } = await redirect('check', ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
