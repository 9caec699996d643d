import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startNginx } from '../test/servers/nginx.ts';
import { Fixture } from './fixture.ts';
import { measure, median, row, TABLE_HEAD } from './measure.ts';
import { type BenchTree, onlyDistfiles } from './tree.ts';

const bareHead = fileURLToPath(new URL('bare-head.mjs', import.meta.url));

/** HEAD of every distfile on one nginx: the whole command against curl and against a bare socket. */
export async function benchHead(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const root = join(folder, 'head-tree');
  const paths = onlyDistfiles(tree, root);
  const nginx = await startNginx([{ root, indexes: false }]);
  try {
    const origin = nginx.sites[0]?.httpUrl as string;
    const base = origin.replace(/\/$/, '');
    const pathsFile = join(folder, 'paths.txt');
    writeFileSync(pathsFile, `${paths.join('\n')}\n`);
    const curlFile = join(folder, 'curl.txt');
    writeFileSync(curlFile, paths.map((path) => `url = "${base}${path}"\noutput = "/dev/null"\n`).join(''));
    const fixture = new Fixture(join(folder, 'head'), root, [origin]);
    const figures = await measure(
      [
        fixture.command('`redirector check` by HEAD', paths.length, ['check', '--quiet']),
        {
          label: '`curl --parallel --parallel-max 64 --head`',
          steps: paths.length,
          argv: [
            'curl',
            '-s',
            '--no-progress-meter',
            '--globoff',
            '--path-as-is',
            '--head',
            '--parallel',
            '--parallel-max',
            '64',
            '-K',
            curlFile,
          ],
        },
        {
          label: 'bare sockets, 4 connections, 256 deep',
          steps: paths.length,
          argv: [process.execPath, bareHead, origin, pathsFile],
        },
      ],
      rounds,
    );
    const server = execFileSync('nginx', ['-v'], { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
    const [ours, curl] = figures.map(({ cpuSeconds }) => paths.length / median(cpuSeconds)) as [number, number];
    return `### HEAD of ${paths.length.toLocaleString('en')} objects on one nginx on loopback ${server}\n\n${TABLE_HEAD}\n${figures.map(row).join('\n')}\n\nFor a second of a processor: ${shown(ours)} objects, ${(ours / curl).toFixed(1)} × curl's.`;
  } finally {
    await nginx.close();
  }
}

function shown(value: number): string {
  return Math.round(value).toLocaleString('en');
}
