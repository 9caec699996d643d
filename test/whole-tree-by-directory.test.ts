import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCheck } from '../checker/run.ts';
import type { Entry } from '../checker/testing/collect.ts';
import { type Inventory, ObjectType } from '../core/inventory.ts';
import { silentProgress } from '../core/progress.ts';
import { plantTree } from '../demo/tree.ts';
import { takeInventory } from '../generator/inventory/take-inventory.ts';
import { requires } from './debian-packages.ts';
import { startProftpd } from './servers/proftpd.ts';
import { startSftpMirror } from './servers/sftp-mirror.ts';
import { startVsftpd } from './servers/vsftpd.ts';

const MEGABYTE = 1_000_000;

interface Served {
  readonly url: string;
  readonly entry?: Required<Entry>;
  close(): Promise<void>;
}
const SERVERS: readonly [protocol: 'ftp' | 'sftp', name: string, start: (folder: string) => Promise<Served>][] = [
  ['ftp', 'vsftpd', startVsftpd],
  ['ftp', 'ProFTPD', startProftpd],
  ['sftp', 'OpenSSH', startSftpMirror],
];

requires(
  'vsftpd',
  'proftpd',
  'sshd',
)('a whole tree', () => {
  const folder = mkdtempSync(join(tmpdir(), 'redirector-whole-tree-'));
  const given = process.env['REDIRECTOR_TREE'] ?? '';
  const shared = { nowMs: 0, timeoutMs: 10_000, progress: silentProgress, signal: new AbortController().signal };
  let tree: string;
  let inventory: Inventory;

  beforeAll(async () => {
    // Servers that root starts read it as somebody else.
    chmodSync(folder, 0o755);
    tree = given === '' ? plantTree(join(folder, 'tree'), { objects: 5_000, seed: 4 }).folder : given;
    const sources = [{ from: tree, prefix: '' }];
    inventory = (await takeInventory({ ...shared, sources, previous: null })).inventory;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(SERVERS)(
    'over %s, of %s: all present, at one listing a directory and little memory',
    async (protocol, name, start) => {
      const server = await start(tree);
      const { entry } = server;
      const own = { id: `${name}.${protocol}`, mirrorId: name, protocol, url: server.url };
      const accessPoint = { ...own, ...(entry === undefined ? {} : { login: entry.login }) };
      const mirror = {
        id: name,
        name,
        places: [{ country: 'DE', latitude: 0, longitude: 0 }],
        weight: 1,
        drained: false,
        accessPoints: [{ ...accessPoint, ipv4: true, ipv6: false, partial: false }],
      };
      const beforeBytes = process.memoryUsage.rss();
      let mostBytes = 0;
      const watch = setInterval(() => {
        mostBytes = Math.max(mostBytes, process.memoryUsage.rss());
      }, 10);
      try {
        const { accessPoints } = await runCheck({
          ...shared,
          nowMs: Date.now,
          output: join(folder, 'output'),
          inventory,
          mirrors: { version: 1, takenAtMs: 0, mirrors: [mirror], notes: [] },
          ...{ chosen: { mirrorIds: [], treePrefix: '' }, only: 'all' as const, vantage: '' },
          ...{ periodMs: 7 * 86_400_000, expiryMs: 14 * 86_400_000, budgetMs: null, checkpointMs: 30_000 },
          userAgent: 'redirector-test/1',
          sftpKey: entry?.sftpKey ?? null,
        });
        const count = (wanted: number) => inventory.types.filter((type) => type === wanted).length;
        // Over SFTP each link's target is a question.
        const links = protocol === 'sftp' ? count(ObjectType.symlink) : 0;
        const [found] = accessPoints;
        expect(found).toMatchObject({ method: protocol, state: 'up', absent: 0, different: 0 });
        // Once more where MLSD turns out not to tell links' targets.
        expect(found?.requests).toBeLessThanOrEqual(count(ObjectType.directory) + links + 1);
        if (given !== '') expect(found?.requests).toBeLessThanOrEqual(700 + links);
        // Names with a line's end, those that are no UTF-8, and links to their own directory with what lies beneath them, cannot be proven.
        expect(found?.present).toBeGreaterThanOrEqual(inventory.paths.length - 50);
        expect(mostBytes - beforeBytes).toBeLessThan(150 * MEGABYTE);
      } finally {
        clearInterval(watch);
        await server.close();
      }
    },
  );
});
