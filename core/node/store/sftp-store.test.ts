import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requires } from '../../../test/debian-packages.ts';
import { keep } from '../../../test/keep.ts';
import { type Fault, startFaultyFront } from '../../../test/servers/faulty-front.ts';
import { type Sshd, startSshd } from '../../../test/servers/sshd.ts';
import { storeSuite } from '../../../test/suites/store.ts';
import { tempFolder } from '../../../test/temp-folder.ts';
import { sftpStore } from './sftp-store.ts';

const OTHER_KEY = `SHA256:${'A'.repeat(43)}`;

requires('sshd')('over OpenSSH', () => {
  let sshd: Sshd;
  let readOnly: Sshd;
  let withoutPosixRename: Sshd;
  beforeAll(async () => {
    [sshd, readOnly, withoutPosixRename] = await Promise.all([
      startSshd(),
      startSshd({ sftpFlags: '-R' }),
      startSshd({ sftpFlags: '-P posix-rename,fsync' }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([sshd, readOnly, withoutPosixRename].map((server) => server.close()));
  });
  const placeOn = ({ port, user, privateKey, hostKeySha256 }: Sshd) => {
    return { host: '127.0.0.1', port, user, privateKey, hostKeySha256, timeoutMs: 5000 };
  };
  const withoutRights = async (folder: string, work: (store: ReturnType<typeof sftpStore>) => Promise<void>) => {
    const store = sftpStore({ ...placeOn(readOnly), folder });
    await work(store).finally(() => store.close());
  };

  storeSuite({ name: 'sftp', open: (folder) => sftpStore({ ...placeOn(sshd), folder }), withoutRights });
  storeSuite({
    name: 'sftp without posix-rename',
    open: (folder) => sftpStore({ ...placeOn(withoutPosixRename), folder }),
    withoutRights,
    hasGaps: true,
  });

  const behind = async (fault: Fault) => {
    const { path: folder } = keep(tempFolder());
    const front = keep(await startFaultyFront(sshd.port, fault));
    const store = keep(sftpStore({ ...placeOn(sshd), port: front.port, folder, timeoutMs: 1000 }));
    return { folder, front, store };
  };

  test.each(['cuts', 'stalls'] as const)(
    'a connection that %s in the middle of a write: the old content stays, the next write works',
    async (kind) => {
      const direct = { ...placeOn(sshd) };
      const { folder, front, store } = await behind({ kind, afterBytes: 500_000, of: 'client' });
      const before = keep(sftpStore({ ...direct, folder }));
      await before.writeAtomic('map', Buffer.from('old'));
      await expect(store.writeAtomic('map', Buffer.alloc(4_000_000, 1))).rejects.toThrow(
        kind === 'cuts' ? /map.*the connection was cut$/ : /map.*no answer within 1 s$/,
      );
      expect(await before.read('map')).toEqual(Buffer.from('old'));
      expect(await before.list('')).toEqual(['map']);
      expect(readdirSync(folder).length).toBe(2);
      front.heal();
      await store.writeAtomic('map', Buffer.from('new'));
      expect(await before.read('map')).toEqual(Buffer.from('new'));
      expect(readdirSync(folder)).toEqual(['map']);
    },
  );

  test('a connection that is cut while nothing is under way is made anew', async () => {
    const { store, front } = await behind({ kind: 'cuts', afterBytes: 1e9 });
    await store.writeAtomic('a', Buffer.from('1'));
    front.cut();
    await expect.poll(front.open).toBe(0);
    // Our end may hear of it a moment later than the front's.
    await expect.poll(() => store.read('a').catch(String)).toEqual(Buffer.from('1'));
    await store.close();
    await expect.poll(front.open).toBe(0);
  });

  test.each([
    ['hangs', /^.*@127.0.0.1: no connection: "no answer within 1 s"$/],
    ['garbage', /^.*@127.0.0.1: no connection: ".*"$/],
    ['closes', /^.*@127.0.0.1: no connection: ".*"$/],
  ] as const)('a host that %s is told of in bounded time, and no socket is left', async (kind, reason) => {
    const { store, front } = await behind({ kind });
    await expect(store.read('a')).rejects.toThrow(reason);
    await expect.poll(front.open).toBe(0);
  });

  test('another host key: refused before anything is sent, with both fingerprints', async () => {
    const { path: folder } = keep(tempFolder());
    const other = keep(await startSshd());
    const store = keep(sftpStore({ ...placeOn(other), hostKeySha256: OTHER_KEY, folder }));
    await expect(store.writeAtomic('a', Buffer.from('x'))).rejects.toThrow(
      `its host key is ${other.hostKeySha256}, not the one that is expected ("${OTHER_KEY}"); nothing was sent`,
    );
    expect(readdirSync(folder)).toEqual([]);
    const log = await other.log();
    expect(log).toContain('Connection from 127.0.0.1');
    expect(log).not.toMatch(/Accepted|userauth|Failed publickey|Postponed/i);
  });

  test('another user key: a word, and a way out', async () => {
    const { path: folder } = keep(tempFolder());
    const store = keep(sftpStore({ ...placeOn(sshd), privateKey: readOnly.privateKey, folder }));
    await expect(store.read('a')).rejects.toThrow(/it refuses the key; give another key/);
  });

  test('a plain failure is not taken for a missing file', async () => {
    const { path: folder } = keep(tempFolder());
    const store = keep(sftpStore({ ...placeOn(sshd), folder }));
    await store.writeAtomic('dir/file', Buffer.from('x'));
    // Reading a directory is OpenSSH's status 4.
    await expect(store.read('dir')).rejects.toThrow(/dir": failure$/);
    await expect(store.remove('dir')).rejects.toThrow(/dir": failure$/);
  });
});

test('a host that nobody listens on is refused', async () => {
  const server = createServer((socket: Socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const place = { host: '127.0.0.1', port, user: 'u', privateKey: 'none', hostKeySha256: OTHER_KEY, timeoutMs: 500 };
  await expect(sftpStore({ ...place, folder: '/' }).read('a')).rejects.toThrow('u@127.0.0.1: connection refused');
});
