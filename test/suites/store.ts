import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../core/node/store/contract.ts';
import { tempFolder } from '../temp-folder.ts';

/** A kind of store and the places it is tried in. */
export interface StoreSubject {
  readonly name: string;
  /** A store in a local folder, however it is reached. */
  open(folder: string): Store;
  /** Runs the work with a store in that folder that may not write. */
  withoutRights(folder: string, work: (store: Store) => Promise<void>): Promise<void>;
  /** There is a moment without any file while one is replaced. */
  readonly hasGaps?: boolean;
}

const bytes = (text: string) => Buffer.from(text);
/** Too much for one message of any protocol, every byte that of its writer. */
const large = (writer: number, sizeBytes = 300_000) => Buffer.alloc(sizeBytes, writer);
const HOSTILE = [
  '',
  '/etc/passwd',
  '../x',
  'a/../../x',
  'a//b',
  './a',
  'a/.',
  'a/',
  'a\0b',
  'a\nb',
  'a\\b',
  'a\ud800',
  'a.tmp',
  'x'.repeat(2000),
];

/** What every store must do (core/node/store/contract.ts). */
export function storeSuite(subject: StoreSubject): void {
  let temporary: ReturnType<typeof tempFolder>;
  let folder: string;
  let stores: Store[];
  beforeEach(() => {
    temporary = tempFolder();
    folder = join(temporary.path, 'store');
    mkdirSync(folder);
    stores = [];
  });
  afterEach(async () => {
    for (const store of stores) await store.close();
    temporary.close();
  });
  const open = () => {
    const store = subject.open(folder);
    stores.push(store);
    return store;
  };

  describe(`${subject.name}: what every store does`, () => {
    test('what is written is read, in directories that are made, over what was there', async () => {
      const store = open();
      for (const content of [bytes('first'), bytes(''), large(7)]) {
        await store.writeAtomic('a/b c/é%2F.txt', content);
        expect((await store.read('a/b c/é%2F.txt'))?.equals(content)).toBe(true);
      }
      expect(readdirSync(join(folder, 'a/b c'))).toEqual(['é%2F.txt']);
    });

    test('what is not there is null, removed without a word, and listed as nothing', async () => {
      const store = open();
      await store.writeAtomic('file', bytes('x'));
      for (const path of ['none', 'no/such', 'file/beneath']) {
        expect(await store.read(path)).toBe(null);
        await store.remove(path);
        expect(await store.list(path)).toEqual([]);
      }
      expect(await store.read('file')).toEqual(bytes('x'));
    });

    test('lists the files beneath a directory, sorted, and none that is being written or no file', async () => {
      const store = open();
      for (const path of ['b', 'a/z', 'a/b/c', 'ab']) await store.writeAtomic(path, bytes(path));
      writeFileSync(join(folder, 'a/z.123.tmp'), 'half');
      mkdirSync(join(folder, 'empty'));
      expect(await store.list('')).toEqual(['a/b/c', 'a/z', 'ab', 'b']);
      expect(await store.list('a')).toEqual(['a/b/c', 'a/z']);
      expect(await store.list('empty')).toEqual([]);
      await store.remove('a/z');
      expect(await store.list('a')).toEqual(['a/b/c']);
    });

    test('a path that leads elsewhere, or is none, is refused and touches nothing', async () => {
      const store = open();
      for (const path of HOSTILE) {
        const refusal = /^not a path that a store takes: "/;
        await expect(store.read(path), path).rejects.toThrow(refusal);
        await expect(store.writeAtomic(path, bytes('x')), path).rejects.toThrow(refusal);
        await expect(store.remove(path), path).rejects.toThrow(refusal);
        if (path !== '') await expect(store.list(path), path).rejects.toThrow(refusal);
      }
      expect(readdirSync(folder)).toEqual([]);
      expect(readdirSync(dirname(folder))).toEqual(['store']);
    });

    test('readers see the old content or the new, never a part', async () => {
      const [writer, reader] = [open(), open()];
      await writer.writeAtomic('map', large(0));
      let isDone = false;
      const reads = (async () => {
        const seen = new Set<string>();
        while (!isDone) seen.add(shape(await reader.read('map')));
        return seen;
      })();
      for (let i = 1; i <= 20; i++) await writer.writeAtomic('map', large(i));
      isDone = true;
      const seen = await reads;
      if (subject.hasGaps) seen.delete('nothing');
      expect([...seen].filter((one) => !/^300000 of \d+$/.test(one))).toEqual([]);
      expect(shape(await reader.read('map'))).toBe('300000 of 20');
    });

    test('two writers at once: the last wins, nothing is torn or left lying about', async () => {
      const [one, other, reader] = [open(), open(), open()];
      const write = async (store: Store, writer: number) => {
        for (let i = 0; i < 10; i++) await store.writeAtomic('dir/map', large(writer));
      };
      const seen = new Set<string>();
      const both = Promise.all([write(one, 1), write(other, 2)]);
      let isDone = false;
      void both.finally(() => {
        isDone = true;
      });
      while (!isDone) seen.add(shape(await reader.read('dir/map')));
      await both;
      seen.delete('nothing');
      expect([...seen].filter((content) => !/^300000 of [12]$/.test(content))).toEqual([]);
      expect(shape(await reader.read('dir/map'))).toMatch(/^300000 of [12]$/);
      await other.writeAtomic('dir/map', large(3));
      expect(shape(await one.read('dir/map'))).toBe('300000 of 3');
      expect(readdirSync(join(folder, 'dir'))).toEqual(['map']);
    });

    test('what killed writers of a file have left beside it goes with the next write, once it is a day old', async () => {
      const hoursAgo = (hours: number) => Date.now() / 1000 - hours * 3600;
      mkdirSync(join(folder, 'dir'));
      const left = [
        ['map.0123456789abcdef.tmp', 25],
        ['map.4711-0.tmp', 25],
        ['map.fedcba9876543210.tmp', 23],
        ['map.b.4711-0.tmp', 25],
        ['map2.4711-0.tmp', 25],
        ['map.txt', 25],
      ] as const;
      for (const [name, hours] of left) {
        writeFileSync(join(folder, 'dir', name), 'half');
        utimesSync(join(folder, 'dir', name), hoursAgo(hours), hoursAgo(hours));
      }
      const store = open();
      await store.writeAtomic('dir/other', bytes('x'));
      expect(readdirSync(join(folder, 'dir')).length).toBe(left.length + 1);
      await store.writeAtomic('dir/map', bytes('x'));
      expect(readdirSync(join(folder, 'dir')).sort()).toEqual(
        ['map', 'other', ...left.slice(2).map(([name]) => name)].sort(),
      );
      expect(await store.list('dir')).toEqual(['dir/map', 'dir/map.txt', 'dir/other']);
    });

    test('many requests at once over one store', async () => {
      const store = open();
      const paths = Array.from({ length: 30 }, (_, i) => `d${i % 3}/f${i}`);
      await Promise.all(paths.map((path) => store.writeAtomic(path, bytes(path))));
      const found = await Promise.all(paths.map((path) => store.read(path)));
      expect(found.map(String)).toEqual(paths);
    });

    test('without the right to write: an error that names the path, and the old content', async () => {
      await open().writeAtomic('kept', bytes('old'));
      await subject.withoutRights(folder, async (store) => {
        for (const path of ['kept', 'new', 'dir/new']) {
          await expect(store.writeAtomic(path, bytes('x')), path).rejects.toThrow(
            new RegExp(`${path}.*(EACCES|permission denied)`),
          );
        }
      });
      expect(await open().read('kept')).toEqual(bytes('old'));
      expect(existsSync(join(folder, 'new'))).toBe(false);
      expect(readdirSync(folder)).toEqual(['kept']);
    });
  });
}

function shape(content: Buffer | null): string {
  if (content === null) return 'nothing';
  const first = content[0] ?? -1;
  return content.every((byte) => byte === first) ? `${content.length} of ${first}` : 'torn';
}
