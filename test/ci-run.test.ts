import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
let checkout: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'redirector-ci-'));
  checkout = join(folder, 'checkout');
  mkdirSync(join(folder, 'bin'));
  cpSync(new URL('../.ci/run', import.meta.url), join(checkout, '.ci/run'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the checkout's `.ci/run` from elsewhere, with an npm that notes what it was asked and runs `onTest`. */
async function ciRun(onTest: string): Promise<{ code: number; lines: string[]; asked: string[] }> {
  const log = join(folder, 'npm.log');
  const npm = `#!/bin/bash\necho "$PWD $CI $*" >> ${log}\nif [[ $1 == test ]]; then\n${onTest}\nfi\n`;
  writeFileSync(join(folder, 'bin/npm'), npm, { mode: 0o755 });
  const { REDIRECTOR_TREE: _tree, ...inherited } = process.env;
  const env = { ...inherited, PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH']}` };
  return new Promise((resolve) => {
    execFile(join(checkout, '.ci/run'), { cwd: tmpdir(), env }, (error, stdout) => {
      const asked = readFileSync(log, 'utf8').trim().split('\n');
      resolve({ code: error === null ? 0 : Number(error.code), lines: stdout.trim().split('\n'), asked });
    });
  });
}

const report = (counts: { passed: number; failed?: number; pending?: number; broken?: number }) => {
  const { passed, failed = 0, pending = 0, broken = 0 } = counts;
  const testResults = Array.from({ length: broken }, () => ({ status: 'failed', assertionResults: [] }));
  const numTotalTests = passed + failed + pending;
  const text = JSON.stringify({ numTotalTests, numPassedTests: passed, numFailedTests: failed, testResults });
  return `echo '${text}' > "$REDIRECTOR_TEST_REPORT"`;
};

describe('.ci/run', () => {
  it('installs, tests and counts, in the checkout and with CI=true', async () => {
    const { code, lines, asked } = await ciRun(`echo from vitest; ${report({ passed: 12 })}`);
    expect([code, lines]).toEqual([0, ['from vitest', '12 passed, 0 failed']]);
    expect(asked).toEqual([`${checkout} true ci --no-audit --no-fund`, `${checkout} true test`]);
  });

  it.each([
    ['failed tests', `${report({ passed: 3, failed: 2 })}; exit 1`, '3 passed, 2 failed'],
    ['skipped tests', report({ passed: 3, pending: 4 }), '3 passed, 4 failed'],
    ['files that can not be loaded', `${report({ passed: 3, broken: 1 })}; exit 1`, '3 passed, 1 failed'],
    ['an error outside of the tests', `${report({ passed: 3 })}; exit 1`, '3 passed, 1 failed'],
    ['a step before the tests', 'exit 2', '0 passed, 1 failed'],
    ['no tests at all', report({ passed: 0 }), '0 passed, 1 failed'],
  ])('fails for %s', async (_, onTest, last) => {
    const { code, lines } = await ciRun(onTest);
    expect([code, lines.at(-1)]).toEqual([1, last]);
  });

  it('plants the tree that lies beside the checkout for the tests, and removes it', async () => {
    const script = readFileSync(join(checkout, '.ci/run'), 'utf8');
    const beside = join(checkout, /^real=(.*)$/m.exec(script)?.[1] as string);
    for (const name of ['data', 'tools']) mkdirSync(join(beside, name), { recursive: true });
    writeFileSync(join(beside, 'data/tree.tsv.gz'), 'a listing');
    writeFileSync(
      join(beside, 'tools/plant-tree.mjs'),
      "import { cpSync } from 'node:fs'; cpSync(process.argv[2], process.argv[3] + '/planted');",
    );
    const { code, lines } = await ciRun(
      `cat "$REDIRECTOR_TREE/planted"; echo; echo "$REDIRECTOR_TREE"; ${report({ passed: 1 })}`,
    );
    expect([code, lines[0], lines.at(-1)]).toEqual([0, 'a listing', '1 passed, 0 failed']);
    expect(existsSync(lines[1] as string)).toBe(false);
  });

  it('takes the counts from what vitest really writes', async () => {
    const vitest = new URL('../node_modules/vitest/vitest.mjs', import.meta.url).pathname;
    const config = new URL('../vitest.config.ts', import.meta.url).pathname;
    mkdirSync(join(checkout, 'test'));
    cpSync(config, join(checkout, 'vitest.config.ts'));
    writeFileSync(join(checkout, 'package.json'), '{"type":"module"}');
    writeFileSync(join(checkout, 'test/global-setup.ts'), 'export function setup() {}');
    const imports = `import { it } from '${new URL('../node_modules/vitest/dist/index.js', import.meta.url).pathname}';`;
    const modules = new URL('../node_modules', import.meta.url).pathname;
    const tests = `${imports} it('a', () => {}); it('b', () => { throw 1; }); it.skip('c', () => {});`;
    writeFileSync(join(checkout, 'a.test.ts'), tests);
    writeFileSync(join(checkout, 'broken.test.ts'), "import './no-such-file.ts';");
    const { code, lines } = await ciRun(`ln -s ${modules} node_modules; ${process.execPath} ${vitest} run`);
    expect([code, lines.at(-1)]).toEqual([1, '1 passed, 3 failed']);
    expect(lines.join('\n')).toContain('a.test.ts');
  });
});
