import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { STRAYS } from '../bench/tree.ts';
import { plantTree } from '../demo/tree.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
let tree = '';

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'redirector-bench-test-'));
  plantTree(tree, { objects: 300, seed: 1 });
  rmSync(join(tree, STRAYS), { recursive: true });
});
afterAll(() => rmSync(tree, { recursive: true, force: true }));

/** `npm run bench -- NAMES`, once over a small tree. */
function bench(...names: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const env = { ...process.env, REDIRECTOR_TREE: tree, REDIRECTOR_BENCH_ROUNDS: '1' };
  return new Promise((resolve) => {
    execFile('npm', ['run', '--silent', 'bench', '--', ...names], { cwd: root, env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

test('a bench that does not exist is answered with those that do, and all of them are told of', async () => {
  const { code, stderr } = await bench('nonsense');
  expect(code).toBe(2);
  const names = /there are: (.*)/.exec(stderr)?.[1]?.split(', ') ?? [];
  expect(names.length).toBeGreaterThan(5);
  const told = /npm run bench -- .*# some: (.*)/.exec(readFileSync(join(root, 'bench/README.md'), 'utf8'))?.[1];
  expect(told?.split(', ').sort()).toEqual(names.sort());
});

test.each([
  ['pass', /^\| rsync \| 1 \| \d+ \|.*\n\| ftp \| \d+ \| \d+ \|.*\n\| index pages.*\n\| HEAD, .*MB/m],
  [
    'head',
    /^\| `redirector check` by HEAD \|.* MB \|\n\| `curl .*\n\| bare sockets.*\n\nFor a second of a processor: /m,
  ],
  ['rsync', /loopback: [\d.]+ × the rsync process[\s\S]*each direction: [\d.]+ × the rsync process/],
  ['size', /^\| the mirror alone \| rsync \| \d+ \|[\s\S]*\n\| the inventory too \| HEAD \| [\d,]+ \|.* MB \|$/m],
  ['listing', /[\d.]+ × the transfer alone; [\d,]+ requests/],
  ['latency', /One at a time .*\. The whole command is \d+ and \d+ times as fast/],
  ['http2', /^\| 50 ms \| 100 \| HTTP\/2, .*\| \d+ % \|$/m],
] as const)('%s', { timeout: 120_000 }, async (name, table) => {
  const { code, stdout, stderr } = await bench(name);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('Error')]);
  expect(stdout).toMatch(table);
});
