import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentProgress } from '../../core/progress.ts';
import type {
  GatheredRelease,
  OriginTarget,
  Publication,
  PublishContext,
  ReleaseFigures,
} from '../../generator/publish/contract.ts';
import { manifestOf } from '../../generator/publish/manifest.ts';
import type { OriginFiles } from '../../generator/publish/origin/files.ts';
import { originTarget } from '../../generator/publish/origin/origin-target.ts';
import { tempFolder } from '../temp-folder.ts';

export const quiet: PublishContext = { progress: silentProgress, signal: new AbortController().signal };
export const QUICK = { renewMs: 20, silentMs: 200 };
const FIGURES: ReleaseFigures = {
  objects: 1,
  accessPoints: 1,
  up: 1,
  presentShare: 1,
  unknownShare: 0,
  heldShare: 1,
  evidenceAgeMs: 0,
  candidates: {},
};

/** A release of these files, gathered in the given second. */
export function releaseOf(contents: Readonly<Record<string, Uint8Array | string>>, second: number): GatheredRelease {
  const bytesOf = (path: string) => Buffer.from(contents[path] as string);
  const files = Object.keys(contents).map((path) => ({
    path,
    sizeBytes: bytesOf(path).length,
    sha256: createHash('sha256').update(bytesOf(path)).digest('hex'),
  }));
  const gatheredAtMs = Date.UTC(2026, 0, 1) + second * 1000;
  const manifest = manifestOf(files, { gatheredAtMs, builtAtMs: gatheredAtMs, figures: FIGURES, forced: null });
  return { manifest, read: bytesOf };
}

/** Thirty files, of which five are new in every second. */
export function contentsAt(second: number): Record<string, Uint8Array> {
  const block = (seed: string, sizeBytes: number) => {
    const digest = createHash('sha256').update(seed).digest();
    return Buffer.alloc(sizeBytes, digest);
  };
  const files = Array.from({ length: 30 }, (_, i) => {
    const isNew = i % 6 === 0;
    return [`maps/${i % 3}/f${i}.bin`, block(`${i} ${isNew ? second : 0}`, 1 + i * 3000)] as const;
  });
  return Object.fromEntries(files);
}

export const publicationOf = (releaseId: string, state: Publication['state'], atMs = 1): Publication => {
  return { releaseId, action: 'publish', atMs, by: 'me@here', targets: ['t'], state, reason: '' };
};

/** A whole publication to one origin. */
export async function publishTo(target: OriginTarget, release: GatheredRelease, keep = 3): Promise<{ files: number }> {
  const { id } = release.manifest;
  return target.withLock(async () => {
    const work = await target.upload(release, quiet);
    await target.record(publicationOf(id, 'begun', release.manifest.gatheredAtMs));
    await target.switchTo(id);
    await target.record(publicationOf(id, 'done', release.manifest.gatheredAtMs));
    await target.prune(keep, []);
    return work;
  }, quiet);
}

/** Fails where what `current` leads to is not a whole release. Answers its id; null = there is no current one. */
export function wholeCurrent(folder: string): string | null {
  const link = join(folder, 'current');
  if (!existsSync(link)) return null;
  const id = readlinkSync(link).replace('releases/', '');
  const { files } = JSON.parse(readFileSync(join(link, 'release.json'), 'utf8')) as GatheredRelease['manifest'];
  for (const { path, sha256 } of files) {
    expect(
      createHash('sha256')
        .update(readFileSync(join(link, path)))
        .digest('hex'),
      `${id}/${path}`,
    ).toBe(sha256);
  }
  const found = readdirSync(link, { recursive: true }).map(String);
  expect(found.filter((path) => statSync(join(link, path)).isFile()).sort()).toEqual(
    [...files.map(({ path }) => path), 'release.json'].sort(),
  );
  return id;
}

export interface OriginSubject {
  readonly name: string;
  /** The local folder is what the origin's root is. */
  open(folder: string): OriginFiles;
  /** Whether unchanged files become second names of those of another release. */
  readonly hasLinks: boolean;
}

/** What every origin does. */
export function originSuite(subject: OriginSubject): void {
  let temporary: ReturnType<typeof tempFolder>;
  let folder: string;
  let targets: OriginTarget[];
  beforeEach(() => {
    temporary = tempFolder();
    folder = join(temporary.path, 'origin');
    targets = [];
  });
  afterEach(async () => {
    for (const target of targets) await target.close();
    temporary.close();
  });
  const open = (command = 'publish', times = QUICK) => {
    const target = originTarget('t', command, subject.open(folder), times);
    targets.push(target);
    return target;
  };

  describe(`${subject.name}: what every origin does`, () => {
    test('a release is uploaded, switched to, listed, read back; the folder is made', async () => {
      const target = open();
      expect([await target.current(), await target.list(), await target.log()]).toEqual([null, [], []]);
      const release = releaseOf(contentsAt(1), 1);
      expect(await publishTo(target, release)).toMatchObject({ files: 30 });
      expect(wholeCurrent(folder)).toBe(release.manifest.id);
      expect(await target.current()).toEqual(release.manifest);
      expect(await target.list()).toEqual([release.manifest]);
      expect(await target.log()).toEqual([publicationOf(release.manifest.id, 'done', release.manifest.gatheredAtMs)]);
      const path = 'maps/0/f6.bin';
      expect((await target.read(release.manifest, path)).equals(release.read(path))).toBe(true);
      await expect(target.read(release.manifest, '../../publications.json')).rejects.toThrow('has no "../../publ');
      expect(readdirSync(folder).sort()).toEqual(['current', 'publications.json', 'releases']);
    });

    test('what another release has is not sent again, and old releases go', async () => {
      const target = open();
      await publishTo(target, releaseOf(contentsAt(1), 1));
      for (const second of [2, 3, 4]) {
        const { files } = await publishTo(target, releaseOf(contentsAt(second), second), 2);
        expect(files).toBe(subject.hasLinks ? 5 : 30);
        wholeCurrent(folder);
      }
      expect((await target.list()).map(({ gatheredAtMs }) => new Date(gatheredAtMs).getUTCSeconds())).toEqual([4, 3]);
      expect(readdirSync(join(folder, 'releases'))).toHaveLength(2);
    });

    test('a file that was spoilt at the origin is neither read nor linked', async () => {
      const target = open();
      const first = releaseOf(contentsAt(1), 1);
      await publishTo(target, first);
      const path = 'maps/1/f1.bin';
      const spoilt = join(folder, 'releases', first.manifest.id, path);
      writeFileSync(spoilt, randomBytes(statSync(spoilt).size));
      await expect(target.read(first.manifest, path)).rejects.toThrow('is not what was published');
      await publishTo(target, releaseOf(contentsAt(2), 2));
      wholeCurrent(folder);
    });

    test('what a killed upload left is used where it is right, and goes where it is not', async () => {
      const target = open();
      const release = releaseOf(contentsAt(1), 1);
      await publishTo(target, release);
      // As if it had been killed: the release's files lie half-way in, beside others.
      const next = releaseOf(contentsAt(2), 2);
      const files = subject.open(folder);
      for (const [i, { path }] of next.manifest.files.entries()) {
        await files.makeDirectory(`incoming/${path.replace(/\/[^/]*$/, '')}`);
        if (i < 20) await files.write(`incoming/${path}`, next.read(path).subarray(0, i < 15 ? undefined : -1));
      }
      await files.makeDirectory('incoming/old/deep');
      await files.write('incoming/old/deep/file', Buffer.from('x'));
      await files.write('incoming/surplus', Buffer.from('x'));
      await files.makeDirectory('removing-20260101T000000000Z-00000000/maps');
      await files.write('removing-20260101T000000000Z-00000000/maps/x', Buffer.from('x'));
      await files.write('publications.json.1234.tmp', Buffer.from('x'));
      await files.close();
      const { files: sent } = await publishTo(target, next);
      expect(sent).toBeLessThanOrEqual(subject.hasLinks ? 5 : 15);
      expect(wholeCurrent(folder)).toBe(next.manifest.id);
      expect(readdirSync(folder).sort()).toEqual(['current', 'publications.json', 'releases']);
    });

    test('an earlier release can be switched to; one that is not there can’t, and nothing changes', async () => {
      const target = open();
      const [first, second] = [releaseOf(contentsAt(1), 1), releaseOf(contentsAt(2), 2)];
      await publishTo(target, first);
      await publishTo(target, second);
      await target.withLock(async () => {
        await target.switchTo(first.manifest.id);
        await expect(target.switchTo('20200101T000000000Z-00000000')).rejects.toThrow('there is no release 2020');
      }, quiet);
      expect(wholeCurrent(folder)).toBe(first.manifest.id);
    });

    test('a `current` that no publication made is not followed', async () => {
      const target = open();
      await publishTo(target, releaseOf(contentsAt(1), 1));
      rmSync(join(folder, 'current'));
      symlinkSync('/etc', join(folder, 'current'));
      await expect(target.current()).rejects.toThrow('not a link to a release; move it away');
    });

    test('of two publishers at once the second is refused, naming the first, and the first completes', async () => {
      const [first, second] = [open('publish'), open('rollback')];
      let release: () => void = () => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      let isHeld: () => void = () => {};
      const begun = new Promise<void>((resolve) => {
        isHeld = resolve;
      });
      const publication = first.withLock(async () => {
        isHeld();
        await held;
        return first.upload(releaseOf(contentsAt(1), 1), quiet);
      }, quiet);
      await begun;
      await expect(second.withLock(async () => expect.unreachable(), quiet)).rejects.toThrow(
        `somebody publishes there already ("redirector publish", process ${process.pid}, since 20`,
      );
      release();
      expect(await publication).toMatchObject({ files: 30 });
      expect(await second.withLock(async () => 'free', quiet)).toBe('free');
      expect(existsSync(join(folder, 'lock.json'))).toBe(false);
    });

    test('a lock of another machine holds while its holder shows life, and is taken over when it does not', async () => {
      const target = open();
      const files = subject.open(folder);
      await files.makeDirectory('');
      const lease = { pid: 1, bornAt: '', host: 'else\u001b[31mwhere', command: 'publish', since: 'y', token: 'a' };
      const write = (renewals: number) => files.write('lock.json', Buffer.from(JSON.stringify({ ...lease, renewals })));
      await write(0);
      let renewals = 0;
      let isAlive = true;
      const life = (async () => {
        while (isAlive) await write(++renewals);
      })();
      await expect(target.withLock(async () => expect.unreachable(), quiet)).rejects.toThrow(
        /process 1 on else\?\?31mwhere, since y\); wait/,
      );
      isAlive = false;
      await life;
      expect(await target.withLock(async () => 'taken', quiet)).toBe('taken');
      await files.close();
    });

    test('who has lost the lock does not switch', async () => {
      const target = open('publish', { renewMs: 60_000, silentMs: 60_000 });
      const release = releaseOf(contentsAt(1), 1);
      const attempt = target.withLock(async () => {
        await target.upload(release, quiet);
        writeFileSync(
          join(folder, 'lock.json'),
          JSON.stringify({
            pid: 1,
            bornAt: '',
            host: 'elsewhere',
            command: 'publish',
            since: 'y',
            token: 'b',
            renewals: 0,
          }),
        );
        await target.switchTo(release.manifest.id);
      }, quiet);
      await expect(attempt).rejects.toThrow('process 1 on elsewhere, since y took over the publication');
      expect(wholeCurrent(folder)).toBe(null);
    });
  });
}
