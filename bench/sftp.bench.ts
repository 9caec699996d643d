import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startNginx } from '../test/servers/nginx.ts';
import { type SftpMirror, startSftpMirror } from '../test/servers/sftp-mirror.ts';
import { startDelayingProxy } from './delaying-proxy.ts';
import { Fixture } from './fixture.ts';
import { measure, row, TABLE_HEAD } from './measure.ts';
import type { BenchTree } from './tree.ts';

const DELAY_MS = 50;

/**
 * A mirror with http alone and no index pages: its first check by HEAD of each object, and with a listing over SFTP beside
 * it; on loopback, and through proxies that delay by 50 ms each way.
 */
export async function benchSftp(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const directives = 'error_page 403 =200 @folder; location @folder { return 200; }';
  const nginx = await startNginx([{ root: tree.root, indexes: false, directives }]);
  const mirror = await startSftpMirror(tree.root);
  const near = nginx.sites[0]?.httpUrl as string;
  const proxies = [await startDelayingProxy(near, DELAY_MS), await startDelayingProxy(mirror.url, DELAY_MS)] as const;
  try {
    const [far, farSftp] = proxies.map(({ url }) => url) as [string, string];
    const commands = [
      new Fixture(join(folder, 'head-near'), tree.root, [near]).command('by HEAD alone', 0, CHECK),
      withSftp(join(folder, 'sftp-near'), tree.root, near, mirror, mirror.url).command('with sftp', 0, CHECK),
      new Fixture(join(folder, 'head-far'), tree.root, [far]).command(`by HEAD alone, ${DELAY_MS} ms away`, 0, CHECK),
      withSftp(join(folder, 'sftp-far'), tree.root, far, mirror, farSftp).command(
        `with sftp, ${DELAY_MS} ms away`,
        0,
        CHECK,
      ),
    ];
    const figures = await measure(commands, Math.min(rounds, 3));
    const requests = figures.map(({ stdout }) => {
      const points: { accessPointId: string; requests: number; elapsedMs: number }[] = JSON.parse(stdout).accessPoints;
      return points.map(
        (point) => `${point.accessPointId.split('.').at(-1)} ${point.requests} in ${point.elapsedMs} ms`,
      );
    });
    const lines = figures.map(({ label }, i) => `${label}: ${requests[i]?.join(', ')}`);
    const title = '### The first check of a mirror without rsync and index pages';
    return [title, '', TABLE_HEAD, ...figures.map(row), '', `Requests: ${lines.join('; ')}.`].join('\n');
  } finally {
    for (const proxy of proxies) proxy.close();
    await mirror.close();
    await nginx.close();
  }
}

const CHECK = ['check', '--json', '--quiet'];

/** `at`: where the mirror over SFTP is reached. */
function withSftp(folder: string, root: string, httpUrl: string, { entry, url }: SftpMirror, at: string): Fixture {
  const { login, sftpKey } = entry;
  const place = `sftp://${login.user}@${new URL(at).host}${new URL(url).pathname}`;
  return new Fixture(folder, root, [httpUrl], (own) => {
    writeFileSync(join(own, 'id'), sftpKey);
    const { host } = new URL(httpUrl);
    const lines = [`[mirror."${host.split(':')[0]}"]`, `sftp = "${place}"`, `host_key = "${login.hostKeySha256}"\n`];
    writeFileSync(join(own, 'mirrors.toml'), lines.join('\n'));
    return '[check]\nkey = "id"\n';
  });
}
