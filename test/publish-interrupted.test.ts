import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { outputLayout } from '../core/output-layout.ts';
import { builtForEachTest, type Publishing } from './publishing.ts';

const redirector = fileURLToPath(new URL('../redirector.js', import.meta.url));
const KILLS = 5;

let here: Publishing;
builtForEachTest((built) => {
  here = built;
});

describe('a publish', () => {
  it('that is interrupted says so, and leaves nothing in the way', async () => {
    await here.done('publish');
    await here.build({ inMs: 1000 });
    const before = here.current();
    const argv = [redirector, ...here.argv(['publish'])];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    await expect.poll(() => existsSync(join(here.origin, 'lock.json')), { timeout: 20_000, interval: 2 }).toBe(true);
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    // It may have been done a moment before.
    if (code === 0) expect(here.current()).not.toBe(before);
    else expect([code, stderr]).toEqual([130, expect.stringContaining('interrupted; what was done is kept')]);
    here.wholeManifest();
    expect(existsSync(join(here.origin, 'lock.json'))).toBe(false);
  });
});

describe('two publishers at once', () => {
  it('the second is refused, naming the first', async () => {
    await here.done('publish');
    await here.build({ inMs: 1000 });
    // From another output folder, so that it is the origin's lock that tells.
    const other = join(here.work, 'other');
    await here.build({ output: other, inMs: 2000 });
    here.configure(`[[publish.target]]\nname = "here"\ntype = "directory"\nfolder = "${here.origin}"\n`);
    const first = spawn(process.execPath, [redirector, ...here.argv(['publish'])], { stdio: 'ignore' });
    const ended = new Promise((resolve) => first.on('exit', resolve));
    await expect.poll(() => existsSync(join(here.origin, 'lock.json')), { timeout: 20_000, interval: 2 }).toBe(true);
    first.kill('SIGSTOP');
    const second = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
      execFile(process.execPath, [redirector, ...here.argv(['publish', '--quiet'], other)], (error, _, stderr) =>
        resolve({ code: error?.code, stderr }),
      );
    });
    first.kill('SIGCONT');
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(
      `somebody publishes there already ("redirector publish", process ${first.pid}, since 20`,
    );
    expect(await ended).toBe(0);
    here.wholeManifest();
  });
});

describe('a publish that is killed', () => {
  it(`at ${KILLS} random moments leaves a whole release, and the next one completes`, {
    timeout: 180_000,
  }, async () => {
    await here.done('publish');
    const argv = [redirector, ...here.argv(['publish', '--quiet'])];
    const start = () => {
      const child = spawn(process.execPath, argv, { stdio: 'ignore' });
      return { child, ended: once(child, 'exit') };
    };
    await here.build({ inMs: 1000 });
    const startedMs = Date.now();
    await start().ended;
    const wholeMs = Date.now() - startedMs;
    let killedAtWork = 0;
    for (let i = 0; i < KILLS; i++) {
      await here.build({ inMs: 2000 + i * 1000 });
      const before = here.current();
      const { child, ended } = start();
      await delay(wholeMs * (0.4 + (0.7 * (i + Math.random())) / KILLS));
      child.kill('SIGKILL');
      await ended;
      if (existsSync(join(here.origin, 'lock.json'))) killedAtWork++;
      const { id } = here.wholeManifest();
      expect([before, id]).toContain(here.current());
    }
    await here.done('publish');
    here.wholeManifest();
    expect(readdirSync(here.origin).sort()).toEqual(['current', 'publications.json', 'releases']);
    expect(existsSync(outputLayout.lock(here.output))).toBe(false);
    // Else the moments were no test.
    expect(killedAtWork).toBeGreaterThan(1);
  });
});
