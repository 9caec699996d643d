import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { tempFolder } from '../test/temp-folder.ts';
import { runNjs } from './run-njs.ts';

const temporary = tempFolder();
afterAll(temporary.close);

describe('njs', () => {
  it.each([
    [
      'that a Ctrl-C ended is no bug',
      'kill -INT $$',
      { name: 'RunError', message: expect.stringContaining('was ended') },
    ],
    [
      'that fails says what it said',
      'echo oops >&2; exit 1',
      { name: 'Error', message: expect.stringContaining('oops') },
    ],
  ])('%s, and leaves no folder', async (_, script, failure) => {
    vi.stubEnv('TMPDIR', temporary.path);
    onTestFinished(() => void vi.unstubAllEnvs());
    await expect(runNjs({ code: '', under: ['sh', '-c', script] })).rejects.toMatchObject(failure);
    expect(readdirSync(temporary.path)).toEqual([]);
  });
});
