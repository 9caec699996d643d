import { join } from 'node:path';
import { startNginx } from '../test/servers/nginx.ts';
import { startRsyncd } from '../test/servers/rsyncd.ts';
import { startVsftpd } from '../test/servers/vsftpd.ts';
import { Fixture } from './fixture.ts';
import { type Figure, measure } from './measure.ts';
import { type BenchTree, widerTree } from './tree.ts';

const TIMES = 10;

/** The memory of a check where the mirror holds ten times as many names, and where the inventory does too. */
export async function benchSize(tree: BenchTree, folder: string): Promise<string> {
  const wide = widerTree(tree, join(folder, 'wide'), TIMES);
  const nginx = await startNginx([{ root: wide.root, indexes: false }, { root: wide.root }]);
  const rsyncd = await startRsyncd({ wide: wide.root });
  const vsftpd = await startVsftpd(wide.root);
  try {
    const [plain, indexed] = nginx.sites.map(({ httpUrl }) => httpUrl) as [string, string];
    const urls = { rsync: rsyncd.urls['wide'] as string, ftp: vsftpd.url, 'index pages': indexed, HEAD: plain };
    const rows: string[] = [];
    for (const known of [tree, wide]) {
      const whose = known === tree ? 'the mirror alone' : 'the inventory too';
      const commands = Object.entries(urls).map(([name, url]) => {
        const fixture = new Fixture(join(folder, `${known === tree ? 'usual' : 'wide'}-${name}`), known.root, [url]);
        return fixture.command(`${whose} | ${name}`, 0, ['check', '--quiet', '--json']);
      });
      rows.push(...(await measure(commands, 1)).map(sizeRow));
    }
    return [
      `### One full pass over a mirror with ${TIMES} times as many names`,
      '',
      '| larger | by | objects proven | seconds | peak memory |\n|---|---|--:|--:|--:|',
      ...rows,
    ].join('\n');
  } finally {
    await Promise.all([nginx, rsyncd, vsftpd].map((server) => server.close()));
  }
}

function sizeRow({ label, seconds, peakMegabytes, stdout }: Figure): string {
  const { present, absent, different } = JSON.parse(stdout).totals;
  const proven = (present + absent + different).toLocaleString('en');
  return `| ${label} | ${proven} | ${seconds[0]?.toFixed(1)} s | ${Math.round(peakMegabytes)} MB |`;
}
