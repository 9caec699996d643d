import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requires } from '../../../test/debian-packages.ts';
import { keep } from '../../../test/keep.ts';
import { type Fault, startFaultyFront } from '../../../test/servers/faulty-front.ts';
import { type Sshd, startSshd } from '../../../test/servers/sshd.ts';
import {
  contentsAt,
  originSuite,
  publishTo,
  QUICK,
  quiet,
  releaseOf,
  wholeCurrent,
} from '../../../test/suites/origin.ts';
import { seeded } from '../../../test/synthetic.ts';
import { tempFolder } from '../../../test/temp-folder.ts';
import { directoryFiles } from './directory-files.ts';
import type { OriginFiles } from './files.ts';
import { originTarget } from './origin-target.ts';
import { sftpFiles } from './sftp-files.ts';

const CUTS = 24;

originSuite({ name: 'directory', open: directoryFiles, hasLinks: true });

/** A disk of so many bytes; null where this machine does not let one be mounted. */
function smallDisk(bytes: number): string | null {
  const { path, close } = keep(tempFolder());
  const disk = join(path, 'disk');
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=777`, 'none', disk], { stdio: 'ignore' });
  } catch {
    close();
    return null;
  }
  keep({ close: () => void execFileSync('umount', ['-l', disk]) });
  return disk;
}

/** Nothing of the release may be left in the way on a disk that is full. */
async function assertFullDisk(target: ReturnType<typeof originTarget>, disk: string): Promise<void> {
  const small = releaseOf({ 'edge/kvs.json': 'small' }, 1);
  await publishTo(target, small);
  const large = releaseOf({ 'edge/kvs.json': 'x', 'maps/large': Buffer.alloc(4_000_000, 1) }, 2);
  await expect(publishTo(target, large)).rejects.toThrow(/the disk is full.*; make room, or lower publish.keep/);
  expect(wholeCurrent(disk)).toBe(small.manifest.id);
  expect(readdirSync(disk).sort()).toEqual(['current', 'publications.json', 'releases']);
  const next = releaseOf({ 'edge/kvs.json': 'fits' }, 3);
  await publishTo(target, next);
  expect(wholeCurrent(disk)).toBe(next.manifest.id);
}

/** As if the process were killed at the n-th touch of the disk: that one and all later ones fail. */
function killedAt(files: OriginFiles, touch: number): { files: OriginFiles; touches: () => number } {
  let touches = 0;
  const wrapped = Object.fromEntries(
    Object.entries(files).map(([name, member]) => [
      name,
      typeof member !== 'function' || name === 'isCut' || name === 'close'
        ? member
        : (...args: unknown[]) => {
            if (++touches >= touch) return Promise.reject(new Error('killed'));
            return (member as (...args: unknown[]) => unknown)(...args);
          },
    ]),
  );
  return { files: wrapped as unknown as OriginFiles, touches: () => touches };
}

describe('a directory', () => {
  test('at whichever touch of the disk a publication is killed, the current release is whole and the next completes', async () => {
    const contents = (second: number) => ({ 'edge/a': 'stays', 'edge/b': `b${second}`, 'maps/c': `c${second}` });
    let second = 1;
    for (let touch = 1, isWhole = false; !isWhole; touch++) {
      const { path: folder, close } = tempFolder();
      const open = (files: OriginFiles) => originTarget('t', 'publish', files, QUICK);
      await publishTo(open(directoryFiles(folder)), releaseOf(contents(++second), second));
      const before = wholeCurrent(folder);
      const release = releaseOf(contents(++second), second);
      const killed = killedAt(directoryFiles(folder), touch);
      isWhole = await publishTo(open(killed.files), release, 2).then(
        () => true,
        () => false,
      );
      expect([before, release.manifest.id], `touch ${touch}`).toContain(wholeCurrent(folder));
      const next = releaseOf(contents(++second), second);
      await publishTo(open(directoryFiles(folder)), next, 2);
      expect(wholeCurrent(folder), `touch ${touch}`).toBe(next.manifest.id);
      expect(readdirSync(folder).sort()).toEqual(['current', 'publications.json', 'releases']);
      expect(readdirSync(join(folder, 'releases'))).toHaveLength(2);
      close();
      if (isWhole) expect(touch).toBeGreaterThan(30);
    }
  });

  test('on a full disk: a sentence, and nothing left in the way', async (context) => {
    const disk = smallDisk(1_000_000);
    if (disk === null) return context.skip('no disk can be mounted here');
    await assertFullDisk(originTarget('t', 'publish', directoryFiles(disk), QUICK), disk);
  });

  test('a lock whose renewal a full disk has cut is kept, and given back in the end', async () => {
    const { path: folder, close } = tempFolder();
    const files = directoryFiles(folder);
    let cut: () => void = () => {};
    const isCut = new Promise<void>((resolve) => {
      cut = resolve;
    });
    const write = async (path: string, bytes: Buffer) => {
      if (path !== 'lock.json') return files.write(path, bytes);
      writeFileSync(join(folder, path), '');
      cut();
      throw new Error('the disk is full');
    };
    const target = originTarget('t', 'publish', { ...files, write }, QUICK);
    const release = releaseOf({ 'edge/a': 'a' }, 1);
    await target.withLock(async () => {
      await isCut;
      await target.upload(release, quiet);
    }, quiet);
    expect(readdirSync(folder)).toEqual(['releases']);
    close();
  });
});

requires('sshd')('over OpenSSH', () => {
  let sshd: Sshd;
  let readOnly: Sshd;
  let plain: Sshd;
  beforeAll(async () => {
    [sshd, readOnly, plain] = await Promise.all([
      startSshd(),
      startSshd({ sftpFlags: '-R' }),
      startSshd({ sftpFlags: '-P posix-rename,hardlink,fsync,statvfs' }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([sshd, readOnly, plain].map((server) => server.close()));
  });
  const placeOn = ({ port, user, privateKey, hostKeySha256 }: Sshd) => {
    return { host: '127.0.0.1', port, user, privateKey, hostKeySha256, timeoutMs: 5000 };
  };
  const open = (place: Parameters<typeof sftpFiles>[0]) => keep(originTarget('t', 'publish', sftpFiles(place), QUICK));

  originSuite({ name: 'sftp', open: (folder) => sftpFiles({ ...placeOn(sshd), folder }), hasLinks: true });
  originSuite({
    name: 'sftp without extensions',
    open: (folder) => sftpFiles({ ...placeOn(plain), folder }),
    hasLinks: false,
  });

  test(`a connection that is cut at ${CUTS} random places: the current release stays whole, the next publication completes`, {
    timeout: 60_000,
  }, async () => {
    const { path: folder } = keep(tempFolder());
    const random = seeded(11);
    const first = releaseOf(contentsAt(0), 0);
    await publishTo(open({ ...placeOn(sshd), folder }), first);
    let current = first.manifest.id;
    const ends = { cut: 0, completed: 0, afterSwitch: 0 };
    for (let i = 1; i <= CUTS; i++) {
      const of = i % 2 === 0 ? ({ of: 'client' } as const) : {};
      // From the key exchange to beyond the whole, which is some 300 KB up and 1,500 KB down.
      const fault: Fault = {
        kind: 'cuts',
        afterBytes: Math.ceil(random() * (i % 2 === 0 ? 400_000 : 1_900_000)),
        ...of,
      };
      const front = keep(await startFaultyFront(sshd.port, fault));
      const target = open({ ...placeOn(sshd), port: front.port, folder });
      const release = releaseOf(contentsAt(i), i);
      const error = await publishTo(target, release).then(
        () => null,
        (reason) => reason as Error,
      );
      const now = wholeCurrent(folder);
      if (error !== null) {
        expect(error.message).toMatch(/the connection was cut|no connection|connection refused/);
        ends[now === current ? 'cut' : 'afterSwitch']++;
      } else ends.completed++;
      expect([current, release.manifest.id]).toContain(now);
      if (error === null) expect(now).toBe(release.manifest.id);
      current = now as string;
      await target.close();
      await front.close();
    }
    expect(ends.cut).toBeGreaterThan(CUTS / 4);
    expect(ends.completed).toBeGreaterThan(0);
    const last = releaseOf(contentsAt(CUTS), CUTS + 1);
    // What the last ones brought over need not be sent again.
    expect((await publishTo(open({ ...placeOn(sshd), folder }), last)).files).toBeLessThanOrEqual(5);
    expect(wholeCurrent(folder)).toBe(last.manifest.id);
    expect(readdirSync(folder).sort()).toEqual(['current', 'publications.json', 'releases']);
  });

  test('a full disk: a sentence, and nothing left in the way', async (context) => {
    const disk = smallDisk(1_000_000);
    if (disk === null) return context.skip('no disk can be mounted here');
    await assertFullDisk(open({ ...placeOn(sshd), folder: disk }), disk);
  });

  test('no right to write: a sentence that names the place, and nothing written', async () => {
    const { path: folder } = keep(tempFolder());
    await expect(publishTo(open({ ...placeOn(readOnly), folder }), releaseOf(contentsAt(1), 1))).rejects.toThrow(
      /lock\.json.*: permission denied; give this user the right to write there$/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test('another host key, another user key, nobody there: each a sentence, nothing written', async () => {
    const { path: folder } = keep(tempFolder());
    const release = releaseOf(contentsAt(1), 1);
    const place = { ...placeOn(sshd), folder };
    const strange = { ...place, hostKeySha256: readOnly.hostKeySha256 };
    await expect(publishTo(open(strange), release)).rejects.toThrow(
      `its host key is ${sshd.hostKeySha256}, not the one that is expected ("${readOnly.hostKeySha256}"); nothing was sent`,
    );
    await expect(publishTo(open({ ...place, privateKey: readOnly.privateKey }), release)).rejects.toThrow(
      /it refuses the key; give another key/,
    );
    const closed = await startFaultyFront(sshd.port, { kind: 'closes' });
    await closed.close();
    await expect(publishTo(open({ ...place, port: closed.port }), release)).rejects.toThrow('connection refused');
    expect(readdirSync(folder)).toEqual([]);
  });
});
