import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { requires } from '../../test/debian-packages.ts';
import { startFaultyFront } from '../../test/servers/faulty-front.ts';
import { type Sshd, startSshd } from '../../test/servers/sshd.ts';
import { tempFolder } from '../../test/temp-folder.ts';
import { FormatError, RunError, UsageError } from '../errors.ts';
import { outputLayout } from '../output-layout.ts';
import { silentProgress } from '../progress.ts';
import { pullState, pushState, STATE_PARTS, type StatePart } from './state.ts';
import { openStore } from './store/open-store.ts';

let temporary: ReturnType<typeof tempFolder>;
beforeEach(() => {
  temporary = tempFolder();
});
afterEach(() => temporary.close());
const place = (name: string) => join(temporary.path, name);

/** A file of every part, and some that are no state. */
const FILES = {
  inventory: ['inventory/inventory.msgpack', 'inventory/mirrors.json', 'inventory/master-files.json'],
  checks: [
    'observations/asia/a.http.msgpack',
    'observations/eu/a.http.msgpack',
    'history/eu/a.http.json',
    'hosts/asia.json',
    'hosts/eu.json',
  ],
  probes: ['liveness/asia.json', 'liveness/eu.json', 'hosts/asia.json', 'hosts/eu.json'],
  merged: ['observations/a.http.msgpack', 'history/a.http.json', 'hosts.json'],
  liveness: ['liveness.json', 'hosts.json'],
  maps: ['maps/objects.msgpack'],
} as const satisfies Record<StatePart, readonly string[]>;
const ALL = [...new Set(Object.values(FILES).flat())];
const NO_STATE = ['maps/DE.msgpack', 'edge/kvs.json', 'site/index.html', 'observations/eu/a.http.msgpack.1-0.tmp'];

function fill(output: string, text: string, paths: readonly string[] = [...ALL, ...NO_STATE]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(output, path)), { recursive: true });
    writeFileSync(join(output, path), `${text} ${path}`);
  }
}

const filesOf = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'store.json')
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
const textOf = (folder: string, path: string) => readFileSync(join(folder, path), 'utf8');

type Where = { readonly output: string; readonly at: string; readonly vantage?: string };
let notes: string[] = [];
async function moved(move: typeof pullState, { output, at, vantage }: Where, ...parts: StatePart[]) {
  notes = [];
  const store = openStore({ at }, null, 5000);
  const options = {
    output,
    store,
    storeName: at,
    vantage: vantage ?? null,
    progress: { ...silentProgress, note: (line: string) => void notes.push(line) },
    throwUnlessWhole,
  };
  return move({ ...options, parts, signal: new AbortController().signal });
}

/** Files here are texts; what begins with "junk" stands for what is torn. */
function throwUnlessWhole(_path: string, bytes: Buffer, file: string): void {
  if (bytes.toString().startsWith('junk')) throw new FormatError(`${file}: junk`);
}

describe('the state of runs', () => {
  test('what is damaged in the store never replaces what lies here; the rest comes, and the file is named', async () => {
    const [here, at] = [place('here'), place('store')];
    fill(here, 'good');
    fill(at, 'new');
    fill(at, 'junk', ['observations/eu/a.http.msgpack', 'liveness.json']);
    await moved(pullState, { output: here, at }, ...STATE_PARTS);
    expect(notes).toEqual([
      expect.stringMatching(
        /^\S+: damaged there, .*: liveness\.json, observations\/eu\/a\.http\.msgpack; .* takes its place/,
      ),
    ]);
    expect(textOf(here, 'liveness.json')).toBe('good liveness.json');
    expect(textOf(here, 'observations/eu/a.http.msgpack')).toMatch(/^good/);
    for (const path of ['observations/asia/a.http.msgpack', 'inventory/inventory.msgpack'])
      expect(textOf(here, path)).toMatch(/^new/);
    // The next push mends them.
    await moved(pushState, { output: here, at }, 'liveness');
    expect(textOf(at, 'liveness.json')).toBe('good liveness.json');
  });

  test('nothing is changed where the inventory of the store is damaged', async () => {
    const [here, at] = [place('here'), place('store')];
    fill(here, 'good');
    fill(at, 'new');
    fill(at, 'junk', ['inventory/inventory.msgpack']);
    const pulled = moved(pullState, { output: here, at }, ...STATE_PARTS);
    await expect(pulled).rejects.toThrow(/ damaged there, .*: inventory\/inventory\.msgpack; [^;]*$/);
    for (const path of ALL) expect(textOf(here, path)).toMatch(/^good/);
  });

  test('what one machine pushes another one pulls, part by part; nothing that is no state', async () => {
    const [here, there, at] = [place('here'), place('there'), place('store')];
    fill(here, 'first');
    for (const [part, files] of Object.entries(FILES) as [StatePart, readonly string[]][]) {
      const isOwn = part === 'checks' || part === 'probes';
      const from = { output: here, at, ...(isOwn ? { vantage: 'eu' } : {}) };
      const own = isOwn ? files.filter((path) => /\/eu[/.]/.test(path)) : files;
      // What hosts asked goes with two parts, and needs to be moved once.
      const isAgain = (path: string) => path.startsWith('hosts') && (part === 'probes' || part === 'liveness');
      const counts = { files: own.length, moved: own.filter((path) => !isAgain(path)).length };
      expect(await moved(pushState, from, part)).toMatchObject(counts);
    }
    const kept = ALL.filter((path) => !/\/asia[/.]/.test(path)).sort();
    expect(filesOf(at)).toEqual(kept);
    expect(await moved(pullState, { output: there, at }, ...STATE_PARTS)).toMatchObject({ files: kept.length });
    expect(filesOf(there)).toEqual(kept);
    for (const path of kept) expect(textOf(there, path)).toBe(`first ${path}`);
  });

  test('a vantage pulls and pushes its own probes alone', async () => {
    const [here, at] = [place('here'), place('store')];
    fill(at, 'kept');
    await moved(pullState, { output: here, at, vantage: 'eu' }, 'probes');
    expect(filesOf(here)).toEqual(['hosts/eu.json', 'liveness/eu.json']);
    fill(here, 'new', FILES.probes);
    expect(await moved(pushState, { output: here, at, vantage: 'eu' }, 'probes')).toMatchObject({ files: 2, moved: 2 });
    expect(textOf(at, 'liveness/eu.json')).toMatch(/^new/);
    expect(textOf(at, 'liveness/asia.json')).toMatch(/^kept/);
    await expect(moved(pushState, { output: here, at }, 'probes')).rejects.toThrow(
      new UsageError('state push probes: name the vantage whose probes they are with --vantage'),
    );
  });

  test("a vantage pulls and pushes its own checks alone, whatever lies here of the others'", async () => {
    const [here, at] = [place('here'), place('store')];
    fill(at, 'kept');
    await moved(pullState, { output: here, at, vantage: 'eu' }, 'checks');
    expect(filesOf(here)).toEqual(['history/eu/a.http.json', 'hosts/eu.json', 'observations/eu/a.http.msgpack']);
    fill(here, 'new', FILES.checks);
    await moved(pushState, { output: here, at, vantage: 'eu' }, 'checks');
    expect(textOf(at, 'observations/eu/a.http.msgpack')).toMatch(/^new/);
    expect(textOf(at, 'observations/asia/a.http.msgpack')).toMatch(/^kept/);
    expect([textOf(at, 'hosts/eu.json'), textOf(at, 'hosts/asia.json')]).toEqual([
      'new hosts/eu.json',
      'kept hosts/asia.json',
    ]);
    await expect(moved(pushState, { output: here, at }, 'checks')).rejects.toThrow(UsageError);
  });

  test('what has not changed since it was pulled or pushed is not written again, unless the store has lost it', async () => {
    const [here, at] = [place('here'), place('store')];
    fill(at, 'kept');
    await moved(pullState, { output: here, at }, 'merged', 'inventory');
    expect(await moved(pullState, { output: here, at }, 'merged', 'inventory')).toEqual({
      files: 6,
      moved: 0,
      bytes: 0,
    });
    fill(here, 'new', ['history/a.http.json']);
    const bytes = 'new history/a.http.json'.length;
    expect(await moved(pushState, { output: here, at }, 'merged')).toEqual({ files: 3, moved: 1, bytes });
    expect(await moved(pushState, { output: here, at }, 'merged')).toEqual({ files: 3, moved: 0, bytes: 0 });
    rmSync(join(at, 'history/a.http.json'));
    expect(await moved(pushState, { output: here, at }, 'merged')).toEqual({ files: 3, moved: 1, bytes });
    cpSync(at, place('another'), { recursive: true });
    expect(await moved(pushState, { output: here, at: place('another') }, 'merged')).toMatchObject({ moved: 3 });
    writeFileSync(outputLayout.storeMemory(here), '{"version":1,"st');
    expect(await moved(pushState, { output: here, at }, 'merged')).toMatchObject({ moved: 3 });
  });

  test('an empty store is a first run; observations without their inventory are refused', async () => {
    const [here, at] = [place('here'), place('store')];
    expect(await moved(pullState, { output: here, at }, ...STATE_PARTS)).toEqual({ files: 0, moved: 0, bytes: 0 });
    fill(at, 'kept', FILES.checks);
    const pulled = moved(pullState, { output: here, at }, 'inventory');
    await expect(pulled).rejects.toThrow(RunError);
    await expect(pulled).rejects.toThrow(/asia\/a\.http\.msgpack but no inventory\/inventory\.msgpack/);
  });

  test('once it is interrupted no file is begun', async () => {
    const [here, at] = [place('here'), place('store')];
    fill(here, 'new');
    const store = openStore({ at }, null, 5000);
    const options = { output: here, store, storeName: at, vantage: null, progress: silentProgress, throwUnlessWhole };
    const summary = await pushState({ ...options, parts: ['inventory'], signal: AbortSignal.abort() });
    expect(summary).toEqual({ files: 0, moved: 0, bytes: 0 });
    expect(existsSync(join(at, 'inventory'))).toBe(false);
  });
});

requires('sshd')('the state of runs over OpenSSH', () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.close());
  const PATHS = Array.from({ length: 40 }, (_, i) => `observations/eu/p${i}.http.msgpack`);

  const over = async (move: typeof pullState, output: string, port: number, folder: string) => {
    const at = `sftp://${sshd.user}@127.0.0.1:${port}${folder}`;
    const access = { keyFile: null, hostKeySha256: sshd.hostKeySha256 };
    const store = openStore({ at, access }, sshd.privateKey, 1000);
    const options = { output, store, storeName: folder, vantage: 'eu', progress: silentProgress, throwUnlessWhole };
    try {
      return await move({ ...options, parts: ['checks'], signal: new AbortController().signal });
    } finally {
      await store.close();
    }
  };

  test.each([5_000, 30_000, 100_000, 200_000])(
    'a push that is cut after %d bytes leaves each file whole, the old one or the new; the next push completes',
    async (afterBytes) => {
      const [here, at, there] = [place('here'), place('store'), place('there')];
      fill(here, 'old '.repeat(2000), PATHS);
      await over(pushState, here, sshd.port, at);
      fill(here, 'new '.repeat(2000), PATHS);
      const front = await startFaultyFront(sshd.port, { kind: 'cuts', afterBytes, of: 'client' });
      try {
        await expect(over(pushState, here, front.port, at)).rejects.toThrow(RunError);
      } finally {
        await front.close();
      }
      await over(pullState, there, sshd.port, at);
      expect(filesOf(there)).toEqual([...PATHS].sort());
      const texts = PATHS.map((path) => textOf(there, path));
      for (const [i, text] of texts.entries()) {
        expect([`${'old '.repeat(2000)} ${PATHS[i]}`, `${'new '.repeat(2000)} ${PATHS[i]}`]).toContain(text);
      }
      expect(texts.some((text) => text.startsWith('old'))).toBe(true);
      await over(pushState, here, sshd.port, at);
      for (const path of PATHS) expect(textOf(at, path)).toMatch(/^new/);
    },
  );

  test('a pull that is cut leaves whole files here, and nothing half-done', async () => {
    const [here, at] = [place('here'), place('store')];
    fill(at, 'kept '.repeat(2000), PATHS);
    const front = await startFaultyFront(sshd.port, { kind: 'cuts', afterBytes: 150_000 });
    try {
      await expect(over(pullState, here, front.port, at)).rejects.toThrow(RunError);
    } finally {
      await front.close();
    }
    const there = filesOf(here);
    expect(there.length).toBeLessThan(PATHS.length);
    for (const path of there) expect(textOf(here, path)).toBe(`${'kept '.repeat(2000)} ${path}`);
    await over(pullState, here, sshd.port, at);
    expect(filesOf(here)).toEqual([...PATHS].sort());
  });
});
