import { join } from 'node:path';
import { startNginx } from '../test/servers/nginx.ts';
import { startRsyncd } from '../test/servers/rsyncd.ts';
import { startVsftpd } from '../test/servers/vsftpd.ts';
import { Fixture } from './fixture.ts';
import { type Figure, measure, median } from './measure.ts';
import type { BenchTree } from './tree.ts';

/** Of one access point, whatever the tree's size. */
const MOST_MEGABYTES = 150;

interface Pass {
  readonly name: string;
  readonly url: string;
}

/** One full pass over one mirror, by each way to look: what it asks, and what it takes. */
export async function benchPass(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const nginx = await startNginx([{ root: tree.root, indexes: false }, { root: tree.root }]);
  const rsyncd = await startRsyncd({ tree: tree.root });
  const vsftpd = await startVsftpd(tree.root);
  try {
    const [plain, indexed] = nginx.sites.map(({ httpUrl }) => httpUrl) as [string, string];
    const passes: Pass[] = [
      { name: 'rsync', url: rsyncd.urls['tree'] as string },
      { name: 'ftp', url: vsftpd.url },
      { name: 'index pages, confirmed by HEAD', url: indexed },
      { name: 'HEAD, no index pages', url: plain },
    ];
    const commands = passes.map(({ name, url }, i) =>
      new Fixture(join(folder, `pass-${i}`), tree.root, [url]).command(name, 0, ['check', '--quiet', '--json']),
    );
    const figures = await measure(commands, Math.min(rounds, 3));
    return [
      `### One full pass over one mirror (limit of the memory: ${MOST_MEGABYTES} MB)`,
      '',
      '| by | requests | objects proven | processor | peak memory |\n|---|--:|--:|--:|--:|',
      ...figures.map(passRow),
    ].join('\n');
  } finally {
    await Promise.all([nginx, rsyncd, vsftpd].map((server) => server.close()));
  }
}

function passRow({ label, cpuSeconds, peakMegabytes, stdout }: Figure): string {
  const { present, absent, different, requests } = JSON.parse(stdout).totals;
  const counts = [requests, present + absent + different].map((count: number) => count.toLocaleString('en'));
  const excess = peakMegabytes > MOST_MEGABYTES ? ', too much' : '';
  const memory = `${Math.round(peakMegabytes)} MB${excess}`;
  return `| ${label} | ${counts.join(' | ')} | ${median(cpuSeconds).toFixed(2)} s | ${memory} |`;
}
