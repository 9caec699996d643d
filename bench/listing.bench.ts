import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathFromBytes } from '../core/path-bytes.ts';
import { startNginx } from '../test/servers/nginx.ts';
import { Fixture } from './fixture.ts';
import { measure, median, row, TABLE_HEAD } from './measure.ts';
import type { BenchTree } from './tree.ts';

/** Index pages of the whole tree on one nginx without rsync: the whole command against curl that fetches the pages. */
export async function benchListing(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const nginx = await startNginx([{ root: tree.root }]);
  try {
    const url = nginx.sites[0]?.httpUrl as string;
    const pages = ['', ...directoriesIn(Buffer.from(tree.root), '')];
    const curlFile = join(folder, 'pages.txt');
    writeFileSync(curlFile, pages.map((path) => `url = "${url}${path}"\noutput = "/dev/null"\n`).join(''));
    const fixture = new Fixture(join(folder, 'listing'), tree.root, [url]);
    const curl = [
      'curl',
      '-s',
      '--globoff',
      '--path-as-is',
      '--parallel',
      '--parallel-max',
      '2',
      '-K',
      curlFile,
    ] as const;
    const figures = await measure(
      [
        fixture.command('`redirector check` by index pages', 0, ['check', '--quiet', '--json']),
        { label: `\`curl\` of ${pages.length} pages`, steps: 0, argv: curl },
      ],
      rounds,
    );
    const [ours, alone] = figures.map((figure) => median(figure.seconds)) as [number, number];
    const { accessPoints } = JSON.parse(figures[0]?.stdout ?? '{}');
    const { requests, elapsedMs } = accessPoints[0];
    return [
      `### Index pages of the whole tree on one nginx: ${(ours / alone).toFixed(2)} × the transfer alone`,
      '',
      TABLE_HEAD,
      ...figures.map(row),
      '',
      `${requests.toLocaleString('en')} requests, samples included; ${(elapsedMs / 1000).toFixed(2)} s of it with the server.`,
    ].join('\n');
  } finally {
    await nginx.close();
  }
}

/** The canonical paths of all directories below a folder, each with a slash at its end. */
function directoriesIn(folder: Buffer, prefix: string): string[] {
  return readdirSync(folder, { encoding: 'buffer', withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return [];
    const path = `${prefix}${pathFromBytes(entry.name)}/`;
    return [path, ...directoriesIn(Buffer.concat([folder, Buffer.from('/'), entry.name]), path)];
  });
}
