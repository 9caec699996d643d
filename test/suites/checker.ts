import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Method } from '../../checker/methods/contract.ts';
import { collect, type Entry, tally } from '../../checker/testing/collect.ts';
import { type TestObject, testInventory } from '../../checker/testing/inventory.ts';
import { plantFiles } from '../../checker/testing/servers.ts';
import { pathFromLatin1 } from '../../core/path-bytes.ts';
import { ODD_NAMES } from '../../demo/odd-names.ts';
import { keep } from '../keep.ts';
import { type Fault, startFaultyFront } from '../servers/faulty-front.ts';
import { tempFolder } from '../temp-folder.ts';

type Case = 'directories' | 'hostile names' | 'a file that cannot be listed';

/** A method and a real server that it checks. */
export interface CheckerSubject {
  readonly name: string;
  readonly method: Method;
  /** Serves a folder on 127.0.0.1; the URL is that of the folder, with a port. */
  serve(folder: string): Promise<{ readonly url: string; readonly entry?: Entry; close(): Promise<void> }>;
  /** Names, one character for each byte, of which this method can prove nothing; it must prove all others. */
  readonly unprovable?: Pick<RegExp, 'test'>;
  /** Paths of objects that it believes only where samples agree, and hints at. */
  readonly hinted?: RegExp;
  /** After how many bytes a server that breaks does so; 1, 350 and 1,400 where nothing else is told. */
  readonly breaksAfterBytes?: readonly number[];
  /** Why a case is no business of this method. */
  readonly skips?: Readonly<Partial<Record<Case, string>>>;
}

const DIRECTORIES = ['', 'distfiles', ...Array.from({ length: 8 }, (_, i) => `distfiles/d${i}`), 'distfiles/void'];
const FILES: Readonly<Record<string, number>> = Object.fromEntries([
  ...Array.from({ length: 48 }, (_, i) => [`distfiles/d${i % 8}/f${i}.tar.xz`, i * 1001]),
  ['top.txt', 5],
]);
const LINKED = 'distfiles/d0/f8.tar.xz';
const LINKS: readonly TestObject[] = [
  { path: 'distfiles/f8.tar.xz', target: 'd0/f8.tar.xz', leadsTo: LINKED },
  { path: 'distfiles/d1/up', target: '../d0/f8.tar.xz', leadsTo: LINKED },
  { path: 'current', target: 'distfiles', leadsTo: 'distfiles' },
];
const BENEATH_LINKS: readonly TestObject[] = [
  { path: 'current/d0', target: 'distfiles/d0', leadsTo: 'distfiles/d0' },
  { path: 'current/d0/f8.tar.xz', target: '', leadsTo: LINKED },
];
const TREE: readonly TestObject[] = [
  ...DIRECTORIES.map((path) => ({ path })),
  ...Object.entries(FILES).map(([path, sizeBytes]) => ({ path, sizeBytes })),
  ...LINKS,
  ...BENEATH_LINKS,
];

/** Short: a broken server is waited for several times. */
const FAULT_TIMEOUT_MS = 400;

function plant(folder: string): void {
  for (const directory of DIRECTORIES) mkdirSync(join(folder, directory), { recursive: true });
  plantFiles(folder, FILES);
  for (const link of LINKS) if ('target' in link) symlinkSync(link.target, join(folder, link.path));
}

/** The same URL at another port. */
function through(url: string, port: number): string {
  const other = new URL(url);
  other.port = String(port);
  return other.href;
}

/**
 * What every method must do (checker/methods/contract.ts), against a real server and against one that breaks: tell
 * present, absent and different apart, prove nothing by a failure, never throw, and end soon when it is told to.
 */
export function checkerSuite(subject: CheckerSubject): void {
  const { method, skips = {}, breaksAfterBytes = [1, 350, 1400] } = subject;
  const served = async () => {
    const folder = keep(tempFolder()).path;
    plant(folder);
    const { url, entry } = keep(await subject.serve(folder));
    return { folder, url, entry, check: (objects = TREE) => collect(method, testInventory(objects), url, { entry }) };
  };
  const front = async (fault: Fault) => {
    const { url, entry } = await served();
    const faulty = keep(await startFaultyFront(Number(new URL(url).port), fault));
    return { faulty, entry, url: through(url, faulty.port) };
  };
  const testUnless = (name: Case, work: () => Promise<void>) => {
    const reason = skips[name];
    if (reason === undefined) test(name, work);
    else test.skip(`${name}: ${reason}`, work);
  };

  describe(`${subject.name}: what every method does`, () => {
    test('what is there is present, each told of once', async () => {
      const { report, results, repeated } = await (await served()).check();
      expect(report).toMatchObject({ ended: 'whole', reason: '' });
      expect(report.requests).toBeGreaterThan(0);
      expect(repeated).toEqual([]);
      const sizeOf = (object: TestObject): number | undefined => {
        if ('sizeBytes' in object) return object.sizeBytes;
        return 'leadsTo' in object ? FILES[object.leadsTo] : undefined;
      };
      expect(results).toEqual(
        Object.fromEntries(
          TREE.map((object) => {
            const isHint = subject.hinted?.test(object.path) === true;
            return [object.path, isHint ? 'hint' : ['present', sizeOf(object)].join(' ').trim()];
          }),
        ),
      );
    });

    test('what is not there is absent: a file, a link, a directory with all beneath it', async () => {
      const { folder, check } = await served();
      for (const path of ['distfiles/d2/f2.tar.xz', 'distfiles/f8.tar.xz', 'distfiles/d3'])
        rmSync(join(folder, path), { recursive: true });
      const { results } = await check();
      const absent = TREE.map(({ path }) => path).filter((path) => results[path] === 'absent');
      const beneath = Object.keys(FILES).filter((path) => path.startsWith('distfiles/d3/'));
      expect(absent.sort()).toEqual(
        ['distfiles/d2/f2.tar.xz', 'distfiles/f8.tar.xz', 'distfiles/d3', ...beneath].sort(),
      );
      expect(results['distfiles/d2/f10.tar.xz']).toBe('present 10010');
    });

    test('another size is different, also through links', async () => {
      const { folder, check } = await served();
      plantFiles(folder, { [LINKED]: 77 });
      const { results } = await check();
      expect(results[LINKED]).toBe('different 77');
      for (const path of ['distfiles/f8.tar.xz', 'distfiles/d1/up', 'current/d0/f8.tar.xz'])
        expect(results[path], path).toMatch(/^different/);
      expect(Object.values(results).filter((text) => /^(present|hint)/.test(text)).length).toBe(TREE.length - 4);
    });

    test('a file in place of a link is as good, a directory in place of a file is not', async () => {
      const { folder, check } = await served();
      rmSync(join(folder, 'distfiles/f8.tar.xz'));
      plantFiles(folder, { 'distfiles/f8.tar.xz': 8008 });
      rmSync(join(folder, 'top.txt'));
      mkdirSync(join(folder, 'top.txt'));
      const { results } = await check();
      expect(results['distfiles/f8.tar.xz']).toBe('present 8008');
      expect(results['top.txt']).toMatch(/^(different|failed)/);
    });

    testUnless('hostile names', async () => {
      const { folder, check } = await served();
      const objects = ODD_NAMES.map((name, i) => ({
        name,
        path: `distfiles/${pathFromLatin1(name)}`,
        sizeBytes: i + 1,
      }));
      const missing = objects.map(({ path }) => ({ path: `${path}-gone.tar.gz`, sizeBytes: 1 }));
      for (const { name, sizeBytes } of objects) {
        const bytes = Buffer.concat([Buffer.from(`${folder}/distfiles/`), Buffer.from(name, 'latin1')]);
        writeFileSync(bytes, Buffer.alloc(sizeBytes));
      }
      const { results } = await check([{ path: 'distfiles' }, ...objects, ...missing]);
      for (const { name, path, sizeBytes } of objects) {
        const isUnprovable = subject.unprovable?.test(name) === true;
        expect(results[path], path).toMatch(isUnprovable ? /^failed: ./ : new RegExp(`^present ${sizeBytes}$`));
      }
      for (const { path } of missing) expect(results[path], path).toMatch(/^(absent$|failed: .)/);
    });

    describe('a server that breaks proves nothing', () => {
      const prove = async (url: string, entry: Entry | undefined) => {
        const options = { timeoutMs: FAULT_TIMEOUT_MS, entry };
        const { report, results, repeated } = await collect(method, testInventory(TREE), url, options);
        expect(report).toMatchObject({ ended: 'unusable', reason: expect.stringMatching(/./) });
        expect(tally(results)).toEqual({ [`failed: ${report.reason}`]: TREE.length });
        expect(repeated).toEqual([]);
      };

      test.each(['hangs', 'garbage', 'closes'] as const)('%s', async (kind) => {
        const { faulty, url, entry } = await front({ kind });
        await prove(url, entry);
        expect(faulty.met()).toBeGreaterThan(0);
        await expect.poll(faulty.open).toBe(0);
      });

      test('refuses', async () => {
        const { url, entry } = await served();
        const faulty = await startFaultyFront(Number(new URL(url).port), { kind: 'closes' });
        await faulty.close();
        await prove(through(url, faulty.port), entry);
      });

      test.each(breaksAfterBytes)('cuts or stalls after %i bytes', async (afterBytes) => {
        const kinds = ['cuts', 'stalls'] as const;
        await Promise.all(
          kinds.map(async (kind) => {
            // A busy machine's server may be given up before it has sent so much; that proves nothing either.
            let met = 0;
            for (let tries = 1; met === 0 && tries <= 5; tries++) {
              const { faulty, url, entry } = await front({ kind, afterBytes });
              const { report, results } = await collect(method, testInventory(TREE), url, {
                timeoutMs: FAULT_TIMEOUT_MS,
                entry,
              });
              met = faulty.met();
              expect(report.ended).not.toBe('interrupted');
              expect(Object.keys(results).length).toBe(TREE.length);
              const neither = Object.entries(results).filter(([, text]) => !/^(present|hint|failed: .)/.test(text));
              expect(neither).toEqual([]);
              await expect.poll(faulty.open).toBe(0);
            }
            expect(met).toBeGreaterThan(0);
          }),
        );
      });
    });

    test.each([1, 350, 1400])(
      'interrupted after %i bytes: it ends without another wait and leaves no socket',
      async (afterBytes) => {
        const { faulty, url, entry } = await front({ kind: 'stalls', afterBytes });
        const abort = new AbortController();
        const checked = collect(method, testInventory(TREE), url, { timeoutMs: 600_000, signal: abort.signal, entry });
        await expect.poll(faulty.met, { timeout: 20_000 }).toBeGreaterThan(0);
        abort.abort();
        const { report, results } = await checked;
        expect(report).toMatchObject({ ended: 'interrupted', reason: '' });
        expect(Object.values(results).filter((text) => !/^(present|hint)/.test(text))).toEqual([]);
        await expect.poll(faulty.open).toBe(0);
      },
    );

    test('interrupted before it begins: nothing is recorded', async () => {
      const { url, entry } = await served();
      const signal = AbortSignal.abort();
      const { report, results } = await collect(method, testInventory(TREE), url, { signal, entry });
      expect(report.ended).toBe('interrupted');
      expect(results).toEqual({});
    });
  });
}
