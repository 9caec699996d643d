import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
  const inventory = () =>
    new Promise<{ code: number; stderr: string }>((resolve) => {
      execFile(process.execPath, [redirector, 'inventory'], { cwd: work }, (error, _, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stderr }),
      );
    });
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
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});
