import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { RunError, UsageError } from '../../core/errors.ts';
import { type LoadedInventory, ObjectType } from '../../core/inventory.ts';
import { pathToBytes } from '../../core/path-bytes.ts';
import { silentProgress } from '../../core/progress.ts';
import { plantTree } from '../../demo/tree.ts';
import { requires } from '../../test/debian-packages.ts';
import { type Fault, startFaultyFront } from '../../test/servers/faulty-front.ts';
import { startScriptedSftp } from '../../test/servers/scripted-sftp.ts';
import { type Sshd, startSshd } from '../../test/servers/sshd.ts';
import type { Source } from './entry.ts';
import { readSftpFile } from './read-sftp.ts';
import { takeInventory } from './take-inventory.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'read-sftp-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const never = new AbortController().signal;
function take(source: Source, signal = never) {
  return takeInventory({
    sources: [source],
    previous: null,
    nowMs: 0,
    timeoutMs: 1000,
    progress: silentProgress,
    signal,
  });
}

/** Every column but the mtimes of directories, by path. */
function rows({ paths, types, sizeBytes, mtimeS, targets, leadsTo }: LoadedInventory): Record<string, string> {
  const row = (id: number) => {
    const time = types[id] === ObjectType.directory ? 0 : mtimeS[id];
    return [types[id], sizeBytes[id], time, targets[id], paths[leadsTo[id] as number]].join(' ');
  };
  return Object.fromEntries(paths.map((path, id) => [path, row(id)]));
}

requires('sshd')('over OpenSSH', () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.close());
  const sourceOf = (path: string, port = sshd.port): Source => {
    const { user, privateKeyFile, hostKeySha256 } = sshd;
    const from = `sftp://${user}@127.0.0.1:${port}${path}`;
    return { from, prefix: '', access: { keyFile: privateKeyFile, hostKeySha256 } };
  };
  const behind = async (fault: Fault) => {
    const front = await startFaultyFront(sshd.port, fault);
    return { front, source: sourceOf(folder, front.port) };
  };

  test('a tree gives the same inventory as read from its directory, but for names that are no UTF-8', async () => {
    const root = join(folder, 'a tree');
    plantTree(root, { objects: 2000, seed: 3 });
    const fromDirectory = rows((await take({ from: root, prefix: '' })).inventory);
    const { inventory, notes } = await take(sourceOf(`${folder}/a%20tree/`));
    const isUtf8 = (path: string) => !pathToBytes(path).toString('utf8').includes('\ufffd');
    const expected = Object.fromEntries(Object.entries(fromDirectory).filter(([path]) => isUtf8(path)));
    expect(Object.keys(expected).length).toBeGreaterThan(1900);
    expect(Object.keys(expected).length).toBeLessThan(Object.keys(fromDirectory).length);
    expect(rows(inventory)).toEqual(expected);
    expect(notes.filter((note) => note.includes('no name in UTF-8')).length).toBeGreaterThan(0);
  });

  test('many links in one directory', async () => {
    for (let i = 0; i < 500; i++) symlinkSync('target', join(folder, `link${i}`));
    writeFileSync(join(folder, 'target'), 'x');
    const { inventory } = await take(sourceOf(folder));
    expect(inventory.paths.length).toBe(502);
    expect(new Set(inventory.targets)).toEqual(new Set(['', 'target']));
  });

  test('no such directory, a file in its place, no key, another host key: an error that says so', async () => {
    writeFileSync(join(folder, 'file'), '');
    const missing = take(sourceOf(join(folder, 'none')));
    await expect(missing).rejects.toThrow(UsageError);
    await expect(missing).rejects.toThrow(/none: no such directory there$/);
    await expect(take(sourceOf(join(folder, 'file')))).rejects.toThrow(/no such directory there$/);
    const source = sourceOf(folder);
    const hostKeySha256 = `SHA256:${'A'.repeat(43)}`;
    const other = { ...source, access: { keyFile: sshd.privateKeyFile, hostKeySha256 } };
    await expect(take(other)).rejects.toThrow(/its host key is SHA256:.* nothing was sent; the inventory stays/);
    const noKey = { ...source, access: { keyFile: join(folder, 'nokey'), hostKeySha256 } };
    await expect(take(noKey)).rejects.toThrow(/nokey: cannot be read/);
    await expect(take({ from: source.from, prefix: '' })).rejects.toThrow("the host's key must be known");
    for (const from of ['sftp://127.0.0.1/x', 'sftp://u:secret@127.0.0.1/x', 'sftp://u@h/%zz'])
      await expect(take({ ...source, from })).rejects.toThrow(UsageError);
  });

  test('a file without a size is an error that names it', async () => {
    const server = await startScriptedSftp((request, nth) => {
      if (request === 'opendir') return 'handle';
      return nth === 1 ? { names: [{ name: 'sizeless', type: 'file' }] } : { status: 1 };
    });
    const { user, port, privateKeyFile, hostKeySha256 } = server;
    const access = { keyFile: privateKeyFile, hostKeySha256 };
    const taken = take({ from: `sftp://${user}@127.0.0.1:${port}/tree`, prefix: '', access });
    const error = await taken.catch((thrown) => thrown);
    await server.close();
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toMatch(/: "sizeless" is listed without a size; the inventory stays as it was$/);
  });

  test.each(['cuts', 'stalls'] as const)(
    'a connection that %s in the middle is an error, never an inventory',
    async (kind) => {
      for (let i = 0; i < 300; i++) mkdirSync(join(folder, `directory${i}`));
      for (const afterBytes of [2000, 20_000]) {
        const { front, source } = await behind({ kind, afterBytes });
        const error = await take(source).catch((thrown) => thrown);
        expect(error).toBeInstanceOf(RunError);
        expect(error.message).toMatch(/the inventory stays as it was$/);
        await expect.poll(front.open).toBe(0);
        await front.close();
      }
    },
  );

  test('stops when it is told to', async () => {
    const { front, source } = await behind({ kind: 'stalls', afterBytes: 2000 });
    const abort = new AbortController();
    const taken = take(source, abort.signal).catch((thrown) => thrown);
    await expect.poll(front.met).toBeGreaterThan(0);
    abort.abort();
    expect((await taken).message).toMatch(/: interrupted; the inventory stays as it was$/);
    await expect.poll(front.open).toBe(0);
    await front.close();
  });

  test('single files: their bytes, null where there is none, refused where they are too long', async () => {
    mkdirSync(join(folder, 'distfiles'));
    writeFileSync(join(folder, 'distfiles/layout.conf'), '[structure]\n');
    const read = (path: string, maxBytes = 100) => readSftpFile(sourceOf(folder), path, maxBytes, 1000, never);
    expect(String(await read('distfiles/layout.conf'))).toBe('[structure]\n');
    expect(await read('distfiles/none')).toBe(null);
    await expect(read('distfiles/layout.conf', 5)).rejects.toThrow('longer than 5 bytes');
  });
});
