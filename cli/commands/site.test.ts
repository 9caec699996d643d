import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { withLock } from '../../core/node/lock.ts';
import { keep } from '../../test/keep.ts';
import { tempFolder } from '../../test/temp-folder.ts';

const redirector = fileURLToPath(new URL('../../redirector.js', import.meta.url));

test('beside another command no site is built, for that replaces a folder; a probe is made, of files of its own', async () => {
  const work = keep(tempFolder()).path;
  writeFileSync(join(work, 'redirector.toml'), 'fallback = "https://f.example.org/"\n[[inventory]]\nfrom = "tree"\n');
  const run = (command: string) =>
    new Promise<{ code: number; stderr: string }>((resolve) => {
      execFile(process.execPath, [redirector, command], { cwd: work }, (error, _, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stderr }),
      );
    });
  await withLock(join(work, 'output'), 'check', async () => {
    expect(await run('site')).toEqual({ code: 1, stderr: expect.stringContaining('check') });
    expect(await run('probe')).toEqual({
      code: 2,
      stderr: expect.stringContaining('run "redirector inventory" first'),
    });
  });
  expect(await run('site')).toEqual({ code: 2, stderr: expect.stringContaining('run "redirector build" first') });
});
