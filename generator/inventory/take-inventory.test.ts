import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RunError, UsageError } from '../../core/errors.ts';
import { beneathLinks, type LoadedInventory, ObjectType } from '../../core/inventory.ts';
import { silentProgress } from '../../core/progress.ts';
import { plantTree } from '../../demo/tree.ts';
import { requires } from '../../test/debian-packages.ts';
import { type Rsyncd, startRsyncd } from '../../test/servers/rsyncd.ts';
import { type TakeInventoryOptions, takeInventory } from './take-inventory.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inventory-'));
});
// Not rmSync: it can't remove paths beyond 4,096 bytes.
afterEach(() => execFileSync('rm', ['-rf', folder]));

const at = (latin1: string) => Buffer.from(`${folder}/${latin1}`, 'latin1');

/** Names with one character for each byte. */
function file(name: string, sizeBytes = 1): void {
  writeFileSync(at(name), Buffer.alloc(sizeBytes));
  utimesSync(at(name), 1_700_000_000.75, 1_700_000_000.75);
}

function link(name: string, target: string): void {
  symlinkSync(Buffer.from(target, 'latin1'), at(name));
}

function directories(...names: string[]): void {
  for (const name of names) mkdirSync(at(name));
}

function take(options: Partial<TakeInventoryOptions> = {}) {
  return takeInventory({
    sources: [{ from: folder, prefix: '' }],
    previous: null,
    nowMs: 1_000_999,
    timeoutMs: 10_000,
    progress: silentProgress,
    signal: new AbortController().signal,
    ...options,
  });
}

/** One line for each object that is in the tree, by path. */
function rows(inventory: LoadedInventory): string[] {
  const letters = { [ObjectType.file]: 'f', [ObjectType.symlink]: 'l', [ObjectType.directory]: 'd' };
  return inventory.paths
    .map((path, id) => {
      const end = inventory.paths[inventory.leadsTo[id] as number];
      const way = inventory.targets[id] === '' ? '' : ` -> ${inventory.targets[id]} = ${end}`;
      const type = letters[inventory.types[id] as keyof typeof letters];
      return inventory.removedAtS[id] === 0 ? `${path} ${type} ${inventory.sizeBytes[id]}${way}` : '';
    })
    .filter((row) => row !== '')
    .sort();
}

function idOf(inventory: LoadedInventory, path: string): number {
  return inventory.paths.indexOf(path);
}

const HOSTILE_NAMES = [
  'a%2Fb',
  '#x',
  'sp ace',
  'plus+@:!',
  'new\nline',
  'tab\tbell\x07',
  '\xc3\xbcmlaut',
  '\xff\xfe',
  'back\\slash',
  '\\#012',
  'a -> b',
  '.tar.gz',
  '-rf',
  '*?[x]',
];

function plantHostileTree(): void {
  directories('d', 'd/sub', 'd/sub\n', 'empty');
  HOSTILE_NAMES.forEach((name, i) => {
    file(`d/${name}`, i);
    link(`${name}`, `d/${name}`);
  });
  file('d/sub/deep', 5);
  link('d/sub/chain', '../../chain2');
  link('chain2', './d//sub/./deep');
  link('to-d', 'd');
  link('through', 'to-d/sub/deep');
  link('out', '/etc/passwd');
  link('nothing', 'd/none');
  execFileSync('mkfifo', [at('pipe').toString()]);
  file('.foo._mirrordist_hardlink_.123');
  file('d/foo._emirrordist_fetch_.123');
}

describe('reading a directory', () => {
  test('lists files, links and directories with sizes, whole seconds and the root', async () => {
    directories('distfiles', 'distfiles/ab');
    file('distfiles/ab/foo.tar.xz', 7);
    link('distfiles/foo.tar.xz', 'ab/foo.tar.xz');
    const { inventory, changes, notes } = await take();
    expect(rows(inventory)).toEqual([
      ' d -1',
      'distfiles d -1',
      'distfiles/ab d -1',
      'distfiles/ab/foo.tar.xz f 7',
      'distfiles/foo.tar.xz l 7 -> ab/foo.tar.xz = distfiles/ab/foo.tar.xz',
    ]);
    expect(inventory.mtimeS[3]).toBe(1_700_000_000);
    expect(inventory.takenAtMs).toBe(1_000_999);
    expect([...inventory.firstSeenS]).toEqual([1000, 1000, 1000, 1000, 1000]);
    expect(changes).toEqual({ added: 5, removed: 0, changed: 0, unchanged: 0 });
    expect(notes).toEqual([]);
  });

  test('keeps names as bytes, whatever they are', async () => {
    plantHostileTree();
    const { paths } = (await take()).inventory;
    expect(paths).toEqual(
      expect.arrayContaining(['a%252Fb', '%23x', 'sp%20ace', 'new%0Aline', '%C3%BCmlaut', '%FF%FE', '.tar.gz']),
    );
    for (const name of HOSTILE_NAMES)
      expect(paths.filter((path) => path.endsWith(`d/${encoded(name)}`))).not.toEqual([]);
  });

  test('leaves out and names what is no object: dead links, pipes; temporary files silently', async () => {
    plantHostileTree();
    const { inventory, notes } = await take();
    expect(notes).toEqual([
      '"pipe" is a device, socket or pipe: left out',
      'links lead to nothing, left out: "nothing" -> "d/none"',
      'links lead out of the tree, left out: "out" -> "/etc/passwd"',
    ]);
    for (const name of ['pipe', 'out', 'nothing']) expect(idOf(inventory, name)).toBe(-1);
    expect(inventory.paths.filter((path) => path.includes('mirrordist'))).toEqual([]);
  });

  test('names at most 20 of a kind', async () => {
    for (let i = 0; i < 25; i++) link(`dead${i}`, 'nowhere');
    const { notes } = await take();
    expect(notes).toHaveLength(21);
    expect(notes[20]).toBe('and 5 more links lead to nothing');
  });

  test('is a usage error where there is no directory', async () => {
    file('plain');
    for (const [from, message] of [
      [join(folder, 'none'), 'no such directory'],
      [join(folder, 'plain'), 'not a directory'],
      ['gopher://host/tree', 'local directory, an rsync:// or an sftp:// URL only'],
      ['sftp://host/tree', 'sftp://user@host/path'],
    ] as const) {
      const error = await take({ sources: [{ from, prefix: '' }] }).catch((e) => e);
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).toContain(from);
      expect(error.message).toContain(message);
    }
  });

  test('stops where a part can not be read, rather than miss it', async () => {
    // Together longer than a path may be: nobody can read it, not even root.
    const long = Array.from({ length: 11 }, () => 'x'.repeat(200)).join('/');
    mkdirSync(join(folder, 'one', long), { recursive: true });
    mkdirSync(join(folder, 'tree', long), { recursive: true });
    renameSync(join(folder, 'one'), join(folder, 'tree', long, 'one'));
    const error = await take().catch((e) => e);
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toMatch(/can't be read \(ENAMETOOLONG\)/);
  });

  test('stops when it is told to', async () => {
    await expect(take({ signal: AbortSignal.abort() })).rejects.toThrow(RunError);
  });
});

function encoded(latin1: string): string {
  return [...Buffer.from(latin1, 'latin1')]
    .map((byte) => String.fromCharCode(byte))
    .map((c) => (/[A-Za-z0-9._~-]/.test(c) ? c : `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`))
    .join('');
}

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

describe('a second run', () => {
  test('finds what is new, gone, changed and back, and keeps the ids', async () => {
    for (const name of ['b', 'd', 'gone']) file(name);
    const first = (await take()).inventory;
    expect(first.paths).toEqual(['', 'b', 'd', 'gone']);

    rmSync(at('gone'));
    for (const name of ['c', 'a']) file(name);
    file('d', 9);
    const second = await take({ previous: first, nowMs: 2_000_000 });
    expect(second.inventory.paths).toEqual(['', 'b', 'd', 'gone', 'a', 'c']);
    expect([...second.inventory.removedAtS]).toEqual([0, 0, 0, 2000, 0, 0]);
    expect([...second.inventory.firstSeenS]).toEqual([1000, 1000, 1000, 1000, 2000, 2000]);
    expect(second.inventory.sizeBytes[2]).toBe(9);
    expect(second.changes).toEqual({ added: 2, removed: 1, changed: 1, unchanged: 2 });
    expect(first.paths).toHaveLength(4);
    expect([...first.removedAtS]).toEqual([0, 0, 0, 0]);

    const third = await take({ previous: second.inventory, nowMs: 3_000_000 });
    expect(third.changes).toEqual({ added: 0, removed: 0, changed: 0, unchanged: 5 });
    expect(third.inventory.removedAtS[3]).toBe(2000);

    file('gone', 2);
    const fourth = await take({ previous: third.inventory, nowMs: 4_000_000 });
    expect(fourth.changes).toEqual({ added: 1, removed: 0, changed: 0, unchanged: 5 });
    expect(fourth.inventory.removedAtS[3]).toBe(0);
    expect(fourth.inventory.firstSeenS[3]).toBe(1000);
    expect(fourth.inventory.sizeBytes[3]).toBe(2);
  });

  test('marks a link as removed whose end is gone, and what lay beneath it', async () => {
    directories('real');
    file('real/x');
    link('current', 'real');
    const first = (await take()).inventory;
    execFileSync('rm', ['-r', join(folder, 'real')]);
    const { inventory, notes } = await take({ previous: first, nowMs: 2_000_000 });
    for (const path of ['current', 'current/x']) expect(inventory.removedAtS[idOf(inventory, path)]).toBe(2000);
    expect(notes).toHaveLength(1);
  });

  test('refuses to lose most of a source, unless it is forced', async () => {
    directories('big', 'small');
    for (let i = 0; i < 150; i++) file(`big/${i}`);
    file('small/x');
    const sources = ['big', 'small'].map((prefix) => ({ from: join(folder, prefix), prefix }));
    const { inventory: previous } = await take({ sources });
    for (let i = 0; i < 150; i++) rmSync(at(`big/${i}`));
    await expect(take({ sources, previous })).rejects.toThrow(
      `refusing to mark 150 of 151 known objects of ${join(folder, 'big')} as removed`,
    );
    await expect(take({ sources: sources.slice(1), previous })).rejects.toThrow('of none of the sources');
    expect((await take({ sources, previous, force: true })).changes.removed).toBe(150);
  });

  test('lets a small source be emptied', async () => {
    for (let i = 0; i < 90; i++) file(`${i}`);
    const { inventory: previous } = await take();
    for (let i = 0; i < 90; i++) rmSync(at(`${i}`));
    expect((await take({ previous })).changes.removed).toBe(90);
  });
});

describe('several sources', () => {
  test('make one tree, with the directories above their prefixes; links may cross them', async () => {
    directories('one', 'two');
    file('one/x', 4);
    link('two/y', '../../distfiles/x');
    const sources = [
      { from: join(folder, 'two'), prefix: '/releases/x 86/' },
      { from: join(folder, 'one'), prefix: 'distfiles' },
    ];
    expect(rows((await take({ sources })).inventory)).toEqual([
      ' d -1',
      'distfiles d -1',
      'distfiles/x f 4',
      'releases d -1',
      'releases/x%2086 d -1',
      'releases/x%2086/y l 4 -> ../../distfiles/x = distfiles/x',
    ]);
  });

  test('may share directories, but a file that two of them give is an error that names both', async () => {
    directories('one', 'two', 'two/distfiles');
    file('one/x');
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    const sources = [
      { from: one, prefix: 'distfiles' },
      { from: two, prefix: '' },
    ];
    expect((await take({ sources })).inventory.paths).toEqual(['', 'distfiles', 'distfiles/x']);
    file('two/distfiles/x');
    const error = await take({ sources }).catch((e) => e);
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(`"distfiles/x" is given by two sources, ${one} and ${two}`);
    link('two/releases', 'distfiles');
    await expect(
      take({
        sources: [
          { from: two, prefix: '' },
          { from: one, prefix: 'releases/y' },
        ],
      }),
    ).rejects.toThrow('"releases" is given by two sources');
  });

  test('a prefix that is no path is a usage error', async () => {
    await expect(take({ sources: [{ from: folder, prefix: 'a%zz' }] })).rejects.toThrow(UsageError);
    await expect(take({ sources: [] })).rejects.toThrow(UsageError);
  });
});

describe('beneath a link to a directory', () => {
  test('everything is an object too, leads to the real one, and can be told from real links', async () => {
    directories('20260101', '20260101/sub');
    file('20260101/stage3.tar.xz', 6);
    link('20260101/latest', 'stage3.tar.xz');
    link('20260101/sub/up', '..');
    link('current', '20260101');
    const { inventory } = await take();
    expect(rows(inventory).filter((row) => row.startsWith('current'))).toEqual([
      'current l -1 -> 20260101 = 20260101',
      'current/latest l 6 -> ../20260101/latest = 20260101/stage3.tar.xz',
      'current/stage3.tar.xz l 6 -> ../20260101/stage3.tar.xz = 20260101/stage3.tar.xz',
      'current/sub l -1 -> ../20260101/sub = 20260101/sub',
      'current/sub/up l -1 -> ../../20260101/sub/up = 20260101',
    ]);
    const beneath = beneathLinks(inventory);
    expect(inventory.paths.filter((_, id) => beneath[id] === 1)).toEqual([
      '20260101/sub/up/latest',
      '20260101/sub/up/stage3.tar.xz',
      '20260101/sub/up/sub',
      '20260101/sub/up/sub/up',
      'current/latest',
      'current/stage3.tar.xz',
      'current/sub',
      'current/sub/up',
    ]);
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
