import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const project = fileURLToPath(new URL('..', import.meta.url));
const ROOMS = ['checker', 'cli', 'core', 'demo', 'edge-shim', 'generator', 'site'];

describe('the compiled program', () => {
  let copy: string;
  const cache = () => join(copy, 'node_modules', '.cache', 'redirector');
  const command = async (...args: string[]) =>
    (await run(process.execPath, [join(copy, 'redirector.js'), ...args])).stdout.trim();

  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), 'redirector-compiled-'));
    for (const name of [...ROOMS, 'redirector.js', 'redirector.ts', 'package.json']) {
      cpSync(join(project, name), join(copy, name), { recursive: true });
    }
    mkdirSync(join(copy, 'node_modules'));
    for (const name of readdirSync(join(project, 'node_modules'))) {
      if (!name.startsWith('.')) symlinkSync(join(project, 'node_modules', name), join(copy, 'node_modules', name));
    }
  });
  afterEach(() => rmSync(copy, { recursive: true, force: true }));

  test('is made once, by many that start at the same time', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => command('--version')));
    expect(new Set(all)).toEqual(new Set(['0.1.0']));
    expect(readdirSync(cache())).toHaveLength(1);
  });

  test('is made anew when a source changes', async () => {
    await command('--version');
    const file = join(copy, 'redirector.ts');
    writeFileSync(file, readFileSync(file, 'utf8').replace("'0.1.0'", "'0.1.0-changed'"));
    expect(await command('--version')).toBe('0.1.0-changed');
    expect(readdirSync(cache())).toHaveLength(2);
  });

  test('keeps the code of a command, and makes it anew where it is none', async () => {
    await command('--version');
    await command('config', '--help');
    const folder = join(cache(), readdirSync(cache())[0] as string);
    const codes = () => readdirSync(folder).filter((name) => name.endsWith('.code'));
    expect(codes().map((name) => name.split('-')[0])).toEqual(['config', 'none']);
    const file = join(folder, codes()[0] as string);
    const length = readFileSync(file).length;
    writeFileSync(file, 'torn');
    expect(await command('config', '--help')).toContain('Usage: redirector config');
    expect(readFileSync(file).length).toBeGreaterThan(length / 2);
    const { mtimeMs } = statSync(file);
    await command('config', '--help');
    expect(statSync(file).mtimeMs).toBe(mtimeMs);
  });

  test('is not needed: where nothing can be kept, the sources are run', async () => {
    writeFileSync(join(copy, 'node_modules', '.cache'), 'a file in the way');
    expect(await command('--version')).toBe('0.1.0');
  });
});
