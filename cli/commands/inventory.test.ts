import { execFile } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { outputLayout } from '../../core/output-layout.ts';
import { mirrorListXml } from '../../test/mirror-list.ts';

const redirector = fileURLToPath(new URL('../../redirector.js', import.meta.url));

it('redirector inventory refuses to number anew what was observed under other numbers', async () => {
  const work = mkdtempSync(join(tmpdir(), 'inventory-command-'));
  const output = join(work, 'output');
  const run = (...args: string[]) =>
    new Promise<{ code: number; stderr: string }>((resolve) => {
      execFile(process.execPath, [redirector, ...args], { cwd: work }, (error, _, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stderr }),
      );
    });
  const inventory = () => run('inventory');
  try {
    mkdirSync(join(work, 'tree'));
    writeFileSync(join(work, 'tree/file'), 'x');
    writeFileSync(
      join(work, 'distfiles.xml'),
      mirrorListXml([{ name: 'a', country: 'DE', urls: ['http://a.example/'] }]),
    );
    writeFileSync(join(work, 'redirector.toml'), 'fallback = "https://f.example.org/"\n[[inventory]]\nfrom = "tree"\n');
    mkdirSync(outputLayout.observationsFolder(output), { recursive: true });
    writeFileSync(outputLayout.observations(output, 'a.http'), 'columns');
    const file = outputLayout.inventory(output);
    expect(await inventory()).toEqual({ code: 2, stderr: expect.stringContaining(`${file}: it is gone, and `) });
    expect(existsSync(file)).toBe(false);
    rmSync(outputLayout.observationsFolder(output), { recursive: true });
    expect(await inventory()).toMatchObject({ code: 0 });
    expect(existsSync(file)).toBe(true);
    const whole = readFileSync(file);
    writeFileSync(file, 'junk');
    for (const command of [['inventory'], ['check'], ['build']]) {
      const { code, stderr } = await run(...command);
      expect({ command, code }).toEqual({ command, code: 2 });
      expect(stderr).toMatch(
        /inventory\.msgpack: not a whole msgpack file.*; put it back from a backup, .* remove it,/,
      );
    }
    // What a store has that is torn stays there.
    mkdirSync(join(work, 'store/inventory'), { recursive: true });
    writeFileSync(join(work, 'store/inventory/inventory.msgpack'), 'junk2');
    appendFileSync(join(work, 'redirector.toml'), '[store]\nat = "store"\n');
    writeFileSync(file, whole);
    expect(await run('state', 'pull', 'inventory')).toEqual({
      code: 1,
      stderr: expect.stringContaining('damaged there, or of a version that is not known: inventory/inventory.msgpack;'),
    });
    expect(readFileSync(file)).toEqual(whole);
    // The message's other way out.
    rmSync(file);
    expect(await inventory()).toMatchObject({ code: 0 });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});
