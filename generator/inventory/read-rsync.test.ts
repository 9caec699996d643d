import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { RunError, UsageError } from '../../core/errors.ts';
import { plantTree } from '../../demo/tree.ts';
import { requires } from '../../test/debian-packages.ts';
import { type Rsyncd, startRsyncd } from '../../test/servers/rsyncd.ts';
import {
  directories,
  eachInAFolder,
  file,
  folder,
  HOSTILE_NAMES,
  plantHostileTree,
  rows,
  take,
} from './testing/planted.ts';

eachInAFolder();

requires('rsync')('over rsync', () => {
  let rsyncd: Rsyncd | undefined;
  let url: string;
  const serve = async () => {
    rsyncd = await startRsyncd({ tree: folder });
    url = rsyncd.urls['tree'] as string;
  };
  afterEach(async () => {
    await rsyncd?.close();
    rsyncd = undefined;
  });

  test('a tree gives the same inventory as read from its directory', async () => {
    plantHostileTree();
    await serve();
    const read = await take();
    const listed = await take({ sources: [{ from: url, prefix: '' }] });
    expect(read.inventory.paths.length).toBeGreaterThan(2 * HOSTILE_NAMES.length);
    expect(listed.inventory).toEqual(read.inventory);
    expect(listed.changes).toEqual(read.changes);
    expect(listed.notes).toContain(`${url}: devices, sockets or pipes left out: 1`);
  });

  test('a directory of a module is read, with or without the slash', async () => {
    directories('distfiles');
    file('distfiles/x', 3);
    await serve();
    for (const slash of ['', '/']) {
      const sources = [{ from: `${url}distfiles${slash}`, prefix: 'distfiles' }];
      expect(rows((await take({ sources })).inventory)).toEqual([' d -1', 'distfiles d -1', 'distfiles/x f 3']);
    }
  });

  test('an incomplete listing is an error, never an inventory', async () => {
    await serve();
    for (const from of [`${url}none`, url.replace('tree', 'other'), 'rsync://127.0.0.1:1/tree']) {
      const error = await take({ sources: [{ from, prefix: '' }] }).catch((e) => e);
      expect(error).toBeInstanceOf(RunError);
      expect(error.message).toContain(from);
    }
  });

  test('a listing stops when it is told to', async () => {
    await serve();
    const sources = [{ from: url, prefix: '' }];
    await expect(take({ sources, signal: AbortSignal.abort() })).rejects.toThrow('interrupted');
  });

  test('a URL without a module is a usage error', async () => {
    for (const from of ['rsync://host', 'rsync://host/', 'rsync:///x', 'rsync:host']) {
      await expect(take({ sources: [{ from, prefix: '' }] })).rejects.toThrow(UsageError);
    }
  });
});

requires('rsync')('a whole tree', () => {
  test('is read twice alike, over rsync as from its directory', async () => {
    const given = process.env['REDIRECTOR_TREE'] ?? '';
    const from = given === '' ? plantTree(join(folder, 'tree'), { objects: 3_000, seed: 5 }).folder : given;
    const rsyncd = await startRsyncd({ tree: from });
    try {
      const first = await take({ sources: [{ from, prefix: '' }] });
      expect(first.inventory.paths.length).toBeGreaterThan(given === '' ? 2_900 : 100_000);
      const second = await take({
        sources: [{ from: rsyncd.urls['tree'] as string, prefix: '' }],
        previous: first.inventory,
      });
      expect(second.changes).toEqual({ added: 0, removed: 0, changed: 0, unchanged: first.inventory.paths.length });
    } finally {
      await rsyncd.close();
    }
  });
});
