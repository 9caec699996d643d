import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answer, type ScriptedServer, startScripted } from '../checker/testing/servers.ts';
import { decodeObservations } from '../core/formats/observations-file.ts';
import { readLeader } from '../core/node/leader-files.ts';
import { type Observations, Outcome } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import { requires } from './debian-packages.ts';
import { mirrorListXml } from './mirror-list.ts';
import { type Nginx, startNginx } from './servers/nginx.ts';

const redirector = fileURLToPath(new URL('../redirector.js', import.meta.url));
const KILLS = 50;
/** So many checks are under way at once, each in an output folder of its own. */
const LANES = 2;
const OBJECTS = 2000;
const MIRRORS = 3;

requires('nginx')('a check that is killed', () => {
  const work = mkdtempSync(join(tmpdir(), 'redirector-killed-'));
  let nginx: Nginx;
  let liar: ScriptedServer;

  beforeAll(async () => {
    for (let i = 0; i < OBJECTS; i++) {
      const folder = join(work, 'tree', 'distfiles', String(i % 20));
      if (i < 20) mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `f${i}`), 'x'.repeat(i % 7));
    }
    nginx = await startNginx(Array.from({ length: MIRRORS }, () => ({ root: join(work, 'tree') })));
    configure(
      'honest',
      nginx.sites.map(({ httpUrl }) => String(httpUrl)),
    );
    // To HEAD it has everything, to GET nothing.
    liar = await startScripted((socket, path, _nth, _asked, method) => {
      const size = path.endsWith('/') ? 0 : Number(/f(\d+)$/.exec(path)?.[1]) % 7;
      const isThere = method === 'HEAD' && !path.includes('no-such');
      setTimeout(() => socket.write(answer(isThere ? 200 : 404, { 'Content-Length': isThere ? size : 0 })), 5);
    });
    configure('liar', [`http://127.0.0.1:${liar.port}/`]);
  });

  const configOf = (name: string) => join(work, `${name}.toml`);

  function configure(name: string, urls: readonly string[]): void {
    const mirrors = urls.map((url, i) => ({ name: `m${i}`, country: 'DE', urls: [url] }));
    writeFileSync(join(work, `${name}.xml`), mirrorListXml(mirrors));
    const lines = [
      'fallback = "https://fallback.example.org/"',
      `[mirrors]\nlist = "${name}.xml"`,
      '[[inventory]]\nfrom = "tree"',
      // All is due in every run, and is written down all the time.
      '[check]\nperiod = "1s"\ncheckpoint = "10ms"\n',
    ];
    writeFileSync(configOf(name), lines.join('\n'));
  }

  afterAll(async () => {
    await liar.close();
    await nginx.close();
    rmSync(work, { recursive: true, force: true });
  });

  function start(command: string, output: string, name = 'honest', ...more: string[]) {
    const args = [redirector, command, '--config', configOf(name), '--output', output, '--json', '--quiet', ...more];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const ended = once(child, 'close').then(([code]) => ({ code, stdout, stderr }));
    return { ended, kill: () => child.kill('SIGKILL') };
  }

  async function whole(command: string, output: string, name?: string, ...more: string[]) {
    const { code, stdout, stderr } = await start(command, output, name, ...more).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout);
  }

  /** All files of an output folder's observations; throws where one is torn. */
  function readAll(output: string, objects: number): Map<string, Observations> {
    const folder = outputLayout.observationsFolder(output);
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.msgpack')) : [];
    return new Map(
      names.map((name) => [name, decodeObservations(readFileSync(join(folder, name)), objects, join(folder, name))]),
    );
  }

  const leftovers = (output: string) =>
    readdirSync(output, { recursive: true }).filter((name) => String(name).endsWith('.tmp'));

  /** Objects whose evidence went backwards: it vanished, or an older one is there. */
  function lost(before: ReadonlyMap<string, Observations>, after: ReadonlyMap<string, Observations>): string[] {
    return [...before].flatMap(([name, old]) => {
      const now = after.get(name);
      if (now === undefined) return [name];
      const ids = [...old.outcome.keys()].filter(
        (id) =>
          (old.outcome[id] !== Outcome.none && now.outcome[id] === Outcome.none) ||
          (now.evidenceAtS[id] as number) < (old.evidenceAtS[id] as number),
      );
      return ids.map((id) => `${name}: ${id}`);
    });
  }

  it(`at ${KILLS} random moments has lost and torn nothing, and the next one completes`, {
    timeout: 120_000,
  }, async () => {
    const template = join(work, 'template');
    await whole('inventory', template);
    const objects = readLeader(template).inventory.paths.length;
    const startedMs = Date.now();
    await whole('check', template);
    const wholeMs = Date.now() - startedMs;
    rmSync(outputLayout.observationsFolder(template), { recursive: true });

    let killedAtWork = 0;
    const lane = async (number: number) => {
      const output = join(work, `lane-${number}`);
      cpSync(template, output, { recursive: true });
      let before = readAll(output, objects);
      for (let i = number; i < KILLS; i += LANES) {
        const check = start('check', output);
        // Random, but spread over the whole of a run, from before its first line to after its last.
        await delay(wholeMs * ((i + Math.random()) / KILLS) * 1.2);
        check.kill();
        const { stderr } = await check.ended;
        expect(stderr).toBe('');
        if (existsSync(outputLayout.lock(output))) killedAtWork++;
        const after = readAll(output, objects);
        expect(lost(before, after)).toEqual([]);
        before = after;
      }
      const summary = await whole('check', output);
      expect(summary.left).toEqual({ new: 0, expired: 0, failed: 0, rolling: 0, removed: 0 });
      const last = readAll(output, objects);
      expect(lost(before, last)).toEqual([]);
      expect(last.size).toBe(MIRRORS);
      for (const { outcome } of last.values()) {
        expect(outcome.filter((code) => code === Outcome.present)).toHaveLength(objects);
      }
      expect(leftovers(output)).toEqual([]);
      expect(existsSync(outputLayout.lock(output))).toBe(false);
    };
    await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
    // Else the moments were no test.
    expect(killedAtWork).toBeGreaterThan(KILLS / 10);
  });

  it('leaves nothing that a server told HEAD and denies GET, nor does one out of budget', {
    timeout: 60_000,
  }, async () => {
    const output = join(work, 'liar');
    await whole('inventory', output, 'liar');
    const objects = readLeader(output).inventory.paths.length;
    const proven = () => [...readAll(output, objects).values()].flatMap(({ outcome }) => [...outcome]).filter(Boolean);
    const asked = liar.paths.length;
    for (let i = 1; i <= 10; i++) {
      const check = start('check', output, 'liar');
      await delay(150 * i);
      check.kill();
      await check.ended;
      expect(proven()).toEqual([]);
    }
    expect(liar.paths.length).toBeGreaterThan(asked);
    for (const budget of ['200ms', '400ms', '800ms']) {
      await whole('check', output, 'liar', '--budget', budget);
      expect(proven()).toEqual([]);
    }
    const [found] = (await whole('check', output, 'liar')).accessPoints;
    expect(found).toMatchObject({ present: 0, state: 'down', reason: expect.stringMatching(/^HEAD and GET disagree/) });
    expect([...readAll(output, objects).values()].map(({ liveness }) => liveness)).toMatchObject([
      { state: 'down', holds: true },
    ]);
  });
});
