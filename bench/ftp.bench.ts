import { join } from 'node:path';
import { startProftpd } from '../test/servers/proftpd.ts';
import { startVsftpd } from '../test/servers/vsftpd.ts';
import { Fixture } from './fixture.ts';
import { measure, row, TABLE_HEAD } from './measure.ts';
import type { BenchTree } from './tree.ts';

/** One listing of each directory over FTP, of a server that knows LIST alone and of one that knows MLSD. */
export async function benchFtp(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const servers = [await startVsftpd(tree.root), await startProftpd(tree.root)];
  try {
    const commands = ['vsftpd', 'ProFTPD'].map((name, i) => {
      const fixture = new Fixture(join(folder, name), tree.root, [servers[i]?.url as string]);
      return fixture.command(`\`redirector check\` by ftp, ${name}`, 0, ['check', '--json']);
    });
    const figures = await measure(commands, rounds);
    const requests = figures.map(({ stdout }) => JSON.parse(stdout).totals.requests);
    return `### The whole tree over FTP: ${requests.join(' and ')} requests\n\n${TABLE_HEAD}\n${figures.map(row).join('\n')}`;
  } finally {
    for (const server of servers) await server.close();
  }
}
