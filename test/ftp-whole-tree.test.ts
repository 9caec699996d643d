import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCheck } from '../checker/run.ts';
import { type Inventory, ObjectType } from '../core/inventory.ts';
import { silentProgress } from '../core/progress.ts';
import { plantTree } from '../demo/tree.ts';
import { takeInventory } from '../generator/inventory/take-inventory.ts';
import { requires } from './debian-packages.ts';
import { startProftpd } from './servers/proftpd.ts';
import { startVsftpd } from './servers/vsftpd.ts';

const MEGABYTE = 1_000_000;

requires('vsftpd', 'proftpd')('a whole tree over ftp', () => {
  const folder = mkdtempSync(join(tmpdir(), 'redirector-ftp-tree-'));
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

  it.each([
    ['vsftpd', startVsftpd],
    ['ProFTPD', startProftpd],
  ])('of %s: all present, at one listing a directory and little memory', async (name, start) => {
    const server = await start(tree);
    const accessPoint = { id: `${name}.ftp`, mirrorId: name, protocol: 'ftp', url: server.url } as const;
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
      });
      const directories = inventory.types.filter((type) => type === ObjectType.directory).length;
      const [found] = accessPoints;
      expect(found).toMatchObject({ method: 'ftp', state: 'up', absent: 0, different: 0 });
      // Once more where MLSD turns out not to tell links' targets.
      expect(found?.requests).toBeLessThanOrEqual(directories + 1);
      if (given !== '') expect(found?.requests).toBeLessThanOrEqual(700);
      // Names with a line's end, and links to their own directory with what lies beneath them, cannot be proven.
      expect(found?.present).toBeGreaterThanOrEqual(inventory.paths.length - 50);
      expect(mostBytes - beforeBytes).toBeLessThan(150 * MEGABYTE);
    } finally {
      clearInterval(watch);
      await server.close();
    }
  });
});
