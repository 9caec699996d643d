import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { listOverRsync } from '../../core/node/rsync.ts';
import { pathFromBytes } from '../../core/path-bytes.ts';
import { rawHeads } from '../../demo/testing/raw-heads.ts';
import { type PlantedTree, plantTree } from '../../demo/tree.ts';
import { requires } from '../debian-packages.ts';
import { startNginx } from './nginx.ts';
import { runNjs } from './njs.ts';
import { startRsyncd } from './rsyncd.ts';

const run = promisify(execFile);
let folder: string;
let tree: PlantedTree;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'redirector-servers-'));
  tree = plantTree(join(folder, 'tree'), { objects: 700, seed: 2 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Where the servers of this test put what they need. */
let temporary: string;
beforeEach(() => {
  temporary = mkdtempSync(join(folder, 'tmp-'));
  vi.stubEnv('TMPDIR', temporary);
});
afterEach(() => void vi.unstubAllEnvs());

requires(
  'nginx',
  'openssl',
  'curl',
)('startNginx', () => {
  it('serves several sites of one process, with every hostile name in them', async () => {
    const nginx = await startNginx([
      { root: tree.folder },
      { root: join(tree.folder, 'distfiles'), keepaliveRequests: 10 },
    ]);
    try {
      const { port } = new URL(nginx.sites[0]?.httpUrl as string);
      const targets = tree.objects.map(({ path, sizeBytes }) => `/${pathFromBytes(path)}${sizeBytes < 0 ? '/' : ''}`);
      const answers = await rawHeads(Number(port), targets, 2000);
      for (const [i, { sizeBytes }] of tree.objects.entries()) {
        expect(answers[i], targets[i]).toEqual({
          status: 200,
          lengthBytes: sizeBytes < 0 ? expect.any(Number) : sizeBytes,
        });
      }
      const second = await fetch(`${nginx.sites[1]?.httpUrl}layout.conf`);
      expect(await second.text()).toContain('[structure]');
      expect((await fetch(`${nginx.sites[1]?.httpUrl}releases`)).status).toBe(404);
    } finally {
      await nginx.close();
    }
    await expect(fetch(nginx.sites[0]?.httpUrl as string)).rejects.toThrow();
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('serves https to those who trust its authority, and to nobody else', async () => {
    const nginx = await startNginx([{ root: tree.folder, protocols: ['https'] }]);
    try {
      const url = nginx.sites[0]?.httpsUrl as string;
      expect(nginx.sites[0]?.httpUrl).toBe(null);
      const byName = url.replace('127.0.0.1', 'localhost');
      for (const root of [url, byName]) {
        const answer = await run('curl', [
          '-sS',
          '-4',
          '--cacert',
          nginx.caFile as string,
          `${root}distfiles/layout.conf`,
        ]);
        expect(answer.stdout).toContain('[structure]');
      }
      await expect(run('curl', ['-sS', url])).rejects.toMatchObject({ code: 60 });
    } finally {
      await nginx.close();
    }
  });

  it('says what is wrong with a configuration, and leaves nothing behind', async () => {
    await expect(startNginx([{ root: tree.folder, directives: 'no_such_directive on;' }])).rejects.toThrow(
      /nginx.*did not start.*no_such_directive/,
    );
    expect(readdirSync(temporary)).toEqual([]);
  });
});

requires('rsync')('startRsyncd', () => {
  it('serves a module for each folder', async () => {
    const rsyncd = await startRsyncd({ all: tree.folder, dist: join(tree.folder, 'distfiles') });
    const listed = async (url: string) => {
      let entries = 0;
      const onEntry = () => {
        entries++;
      };
      const listing = await listOverRsync({ url, timeoutMs: 5000, signal: new AbortController().signal, onEntry });
      return { complete: listing.complete, entries };
    };
    const distfiles = tree.objects.filter(({ path }) => path.toString('latin1').startsWith('distfiles/')).length;
    try {
      // The root of each listing is an entry; what a leader leaves out is listed.
      expect(await listed(rsyncd.urls['all'] as string)).toEqual({
        complete: true,
        entries: tree.objects.length + tree.leftOut.length + 1,
      });
      expect(await listed(rsyncd.urls['dist'] as string)).toEqual({ complete: true, entries: distfiles + 2 });
    } finally {
      await rsyncd.close();
    }
    expect((await listed(rsyncd.urls['all'] as string)).complete).toBe(false);
  });
});

requires('njs')('runNjs', () => {
  it('runs a module that imports another and reads its input', async () => {
    const code = `import cf from 'cloudfront';
      const input = require('fs').readFileSync(process.argv[2], 'utf8');
      console.log(cf.kvs() + input.length);`;
    const modules = { cloudfront: "export default { kvs: function() { return 'store '; } };" };
    expect(await runNjs({ code, modules, input: 'four' })).toBe('store 4\n');
  });

  it('fails with what njs said, in time, and leaves nothing behind', async () => {
    await expect(runNjs({ code: 'let a = 1;;; a.b.c = 2' })).rejects.toThrow('TypeError');
    await expect(runNjs({ code: 'let [a] = [1];' })).rejects.toThrow('SyntaxError');
    await expect(runNjs({ code: 'while (true) {}', timeoutMs: 300 })).rejects.toThrow('njs failed');
    expect(readdirSync(temporary)).toEqual([]);
  });
});
