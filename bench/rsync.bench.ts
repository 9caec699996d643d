import { join } from 'node:path';
import { startRsyncd } from '../test/servers/rsyncd.ts';
import { Fixture } from './fixture.ts';
import { measure, median, row, TABLE_HEAD } from './measure.ts';
import type { BenchTree } from './tree.ts';

/** One listing over rsync: the whole command against the rsync process alone. */
export async function benchRsync(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const rsyncd = await startRsyncd({ tree: tree.root });
  try {
    const url = rsyncd.urls['tree'] as string;
    const fixture = new Fixture(join(folder, 'rsync'), tree.root, [url]);
    const figures = await measure(
      [
        fixture.command('`redirector check` by rsync', 0, ['check', '--quiet']),
        { label: '`rsync --list-only -rl`', steps: 0, argv: ['rsync', '--list-only', '-rl', '--no-motd', url] },
      ],
      rounds,
    );
    const [ours, alone] = figures.map((figure) => median(figure.seconds)) as [number, number];
    return `### One listing of the whole tree over rsync: ${(ours / alone).toFixed(2)} × the rsync process\n\n${TABLE_HEAD}\n${figures.map(row).join('\n')}`;
  } finally {
    await rsyncd.close();
  }
}
