import { join } from 'node:path';
import { startRsyncd } from '../test/servers/rsyncd.ts';
import { startDelayingProxy } from './delaying-proxy.ts';
import { Fixture } from './fixture.ts';
import { measure, median, row, TABLE_HEAD } from './measure.ts';
import type { BenchTree } from './tree.ts';

const DELAY_MS = 50;

/** One listing over rsync: the whole command against the rsync process alone, here and on a mirror that is far away. */
export async function benchRsync(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const rsyncd = await startRsyncd({ tree: tree.root });
  const here = rsyncd.urls['tree'] as string;
  const proxy = await startDelayingProxy(here, DELAY_MS);
  try {
    return [
      await against('on loopback', here, tree, folder, rounds),
      '',
      await against(`${DELAY_MS} ms away in each direction`, `${proxy.url}tree/`, tree, folder, rounds),
    ].join('\n');
  } finally {
    proxy.close();
    await rsyncd.close();
  }
}

async function against(where: string, url: string, tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const fixture = new Fixture(join(folder, `rsync ${where}`), tree.root, [url]);
  const figures = await measure(
    [
      fixture.command('`redirector check` by rsync', 0, ['check', '--quiet']),
      { label: '`rsync --list-only -rl`', steps: 0, argv: ['rsync', '--list-only', '-rl', '--no-motd', url] },
    ],
    rounds,
  );
  const [ours, alone] = figures.map((figure) => median(figure.seconds)) as [number, number];
  const title = `### One listing of the whole tree over rsync, ${where}: ${(ours / alone).toFixed(2)} × the rsync process`;
  return [title, '', TABLE_HEAD, ...figures.map(row)].join('\n');
}
