import { userInfo } from 'node:os';
import { expect, test, vi } from 'vitest';
import { SftpConnection } from '../../core/node/sftp/connection.ts';
import { requires } from '../../test/debian-packages.ts';
import { keep } from '../../test/keep.ts';
import type { SftpAnswer, SftpName, SftpScript } from '../../test/servers/scripted-sftp.ts';
import { startScriptedMirror, startSftpMirror } from '../../test/servers/sftp-mirror.ts';
import { checkerSuite } from '../../test/suites/checker.ts';
import { collect } from '../testing/collect.ts';
import { TWO_DIRECTORIES, testInventory } from '../testing/inventory.ts';
import { sftp } from './sftp.ts';

/** Names that are no UTF-8, one character for each byte. */
const notUtf8 = {
  test: (name: string) =>
    !Buffer.from(Buffer.from(name, 'latin1').toString('utf8')).equals(Buffer.from(name, 'latin1')),
};

requires('sshd')('over OpenSSH', () => {
  checkerSuite({
    ...{ name: 'sftp', method: sftp, unprovable: notUtf8 },
    serve: (folder) => startSftpMirror(folder),
    // The last two are in the middle of listings.
    breaksAfterBytes: [1, 1400, 4000, 6000],
  });
});

const NO_FILE: SftpAnswer = { status: 2 };
const DENIED: SftpAnswer = { status: 3 };
const FAILURE: SftpAnswer = { status: 4 };
const END: SftpAnswer = { status: 1 };
const directory = (name: string): SftpName => ({ name, type: 'directory' });
const file = (name: string, sizeBytes: number): SftpName => ({ name, type: 'file', sizeBytes });
const link = (name: string): SftpName => ({ name, type: 'symlink' });

const ROOT = [directory('a'), directory('b')];
const TREE = { '/tree/': ROOT, '/tree/a': [file('there', 5)], '/tree/b': [file('other', 7)] };

type Listed = readonly SftpName[];

/** Lists what is given; `instead` answers what it wants itself, undefined for what goes its way. */
function listing(
  tree: Readonly<Record<string, Listed>>,
  instead: (request: string, path: string, nth: number) => SftpAnswer | undefined = () => undefined,
): SftpScript {
  const shown = new Set<string>();
  return (request, nth, path) => {
    const own = instead(request, path, nth);
    if (own !== undefined) return own;
    if (request === 'close') return { status: 0 };
    if (request === 'opendir') {
      shown.delete(path);
      return path in tree ? 'handle' : NO_FILE;
    }
    if (request !== 'readdir') return FAILURE;
    if (shown.has(path)) return END;
    shown.add(path);
    return { names: tree[path] as Listed };
  };
}

async function results(script: SftpScript, inventory = TWO_DIRECTORIES, timeoutMs = 5000) {
  const mirror = keep(await startScriptedMirror(script));
  return collect(sftp, inventory, mirror.url, { timeoutMs, entry: mirror.entry });
}

requires('sshd')('a directory that is not read to its end proves what it showed, and nothing absent', () => {
  /** What `opendir` of `a`, and each `readdir` after the first, is answered. */
  const faultIn =
    (opened: SftpAnswer) =>
    (request: string, path: string): SftpAnswer | undefined => {
      if (path !== '/tree/a') return undefined;
      return request === 'opendir' ? opened : undefined;
    };
  const rows: [name: string, instead: Parameters<typeof listing>[1], there: string | RegExp, gone: RegExp][] = [
    ['whole', undefined, 'present 5', /^absent$/],
    ['denied', faultIn(DENIED), 'failed: permission denied', /^failed: permission denied$/],
    ['a plain failure', faultIn(FAILURE), 'failed: failure', /^failed: failure$/],
    // Its parent shows it.
    ['missing', faultIn(NO_FILE), /^failed: lists a directory, but says/, /^failed: lists a directory, but says/],
    ['cut midway', midway('cut'), 'present 5', /^failed: the connection was cut$/],
    ['silent midway', midway(null), 'present 5', /^failed: no answer within 1 s$/],
    ['a failure midway', midway(FAILURE), 'present 5', /^failed: failure$/],
    ['missing midway', midway(NO_FILE), 'present 5', /^failed: no such file, in the middle of its listing$/],
    [
      'a name without an end',
      midway('endless name'),
      'present 5',
      /^failed: answers something else than was asked for$/,
    ],
    ['an answer of another kind', midway('handle'), 'present 5', /^failed: answers something else than was asked for$/],
  ];
  test.each(rows)('%s', async (name, instead, there, gone) => {
    const timeoutMs = name.startsWith('silent') ? 1000 : undefined;
    const { report, results: found } = await results(listing(TREE, instead), TWO_DIRECTORIES, timeoutMs);
    expect(report.ended).toBe('whole');
    expect(found).toMatchObject({ '': 'present', a: 'present', 'b/other': 'present 7' });
    if (typeof there === 'string') expect(found['a/there']).toBe(there);
    else expect(found['a/there']).toMatch(there);
    expect(found['a/gone']).toMatch(gone);
  });

  function midway(answer: SftpAnswer): Parameters<typeof listing>[1] {
    const begun = new Set<string>();
    return (request, path) => {
      if (path !== '/tree/a') return undefined;
      if (request === 'opendir') begun.delete(path);
      if (request !== 'readdir') return undefined;
      if (begun.has(path)) return answer;
      begun.add(path);
      return undefined;
    };
  }
});

requires('sshd')('a directory that the server says is not there', () => {
  const instead = (request: string, path: string, nth: number): SftpAnswer | undefined =>
    request === 'readdir' && path === '/tree/' && nth === 1
      ? { names: [directory('b'), { name: 'odd/name', type: 'file', sizeBytes: 1 }] }
      : undefined;

  test('holds nothing, where a listing that proves nothing else does not show it', async () => {
    const { results: found } = await results(listing({ '/tree/': [], '/tree/b': [file('other', 7)] }, instead));
    expect(found).toEqual({
      '': 'present',
      a: 'failed: lists a name that none can be: "odd/name"',
      'a/there': 'absent',
      'a/gone': 'absent',
      b: 'present',
      'b/other': 'present 7',
    });
  });

  test('is no proof where it is the root, or where the server only fails', async () => {
    const { report, results: found } = await results(listing({}));
    expect(report).toMatchObject({ ended: 'unusable', reason: 'no such file', connections: 1, requests: 2 });
    expect(new Set(Object.values(found))).toEqual(new Set(['failed: no such file']));
    const failing = await results(
      listing({ '/tree/': [], '/tree/b': [file('other', 7)] }, (request, path, nth) =>
        request === 'opendir' && path === '/tree/a' ? FAILURE : instead(request, path, nth),
      ),
    );
    expect(failing.results).toMatchObject({ 'a/there': 'failed: failure', 'a/gone': 'failed: failure' });
  });
});

requires('sshd')('whatever a server says', () => {
  test('does without the name of the user', async () => {
    const { username } = userInfo();
    const odd = listing({ ...TREE, '/tree/a': [file(`of/${username}`, 1)] });
    expect((await results(odd)).results['a/gone']).toBe('failed: lists a name that none can be: "of/…"');
  });

  test('and whatever the library throws for it is a failure of that access point', async () => {
    const batches = vi.spyOn(SftpConnection.prototype, 'batches').mockImplementation(() => {
      throw new TypeError(`no reading of ${userInfo().username} ${'x'.repeat(200)}`);
    });
    const { report, results: found } = await results(listing(TREE)).finally(() => batches.mockRestore());
    expect(report.ended).toBe('unusable');
    expect(report.reason).toMatch(/^answers in a way that cannot be read: "no reading of … x{64}…"$/);
    expect(found['']).toBe(`failed: ${report.reason}`);
  });
});

requires('sshd')('what is listed oddly proves nothing of itself', () => {
  const inventory = testInventory([
    { path: '' },
    { path: 'device', sizeBytes: 5 },
    { path: 'nameless', sizeBytes: 5 },
    { path: 'sizeless', sizeBytes: 5 },
    { path: 'huge', sizeBytes: 5 },
    { path: 'sound', sizeBytes: 5 },
    { path: 'x%FFy', sizeBytes: 5 },
    { path: 'x%EF%BF%BDy', sizeBytes: 5 },
    { path: 'z%FF/f', sizeBytes: 5 },
    { path: 'absent', sizeBytes: 5 },
  ]);

  test('names without attributes, or that are no UTF-8', async () => {
    const names: Listed = [
      { name: 'device', type: 'device', sizeBytes: 5 },
      'nameless',
      { name: 'sizeless', type: 'file' },
      file('huge', 2 ** 60),
      file('sound', 5),
      file('x\xffy', 5),
    ];
    const { report, results: found } = await results(listing({ '/tree/': names }), inventory);
    expect(report).toMatchObject({ ended: 'whole', requests: 1 });
    expect(found).toEqual({
      '': 'present',
      device: 'failed: is listed as neither file nor directory nor link',
      nameless: 'failed: is listed as neither file nor directory nor link',
      sizeless: 'failed: is listed without a size',
      huge: expect.stringMatching(/^(different|failed)/),
      sound: 'present 5',
      'x%FFy': expect.stringMatching(/^failed: has a name that is no UTF-8/),
      'x%EF%BF%BDy': expect.stringMatching(/^failed: has a name that is no UTF-8/),
      'z%FF/f': expect.stringMatching(/^failed: has a name that is no UTF-8/),
      absent: 'absent',
    });
  });
});

requires('sshd')('links', () => {
  const inventory = testInventory([
    { path: '' },
    { path: 'd' },
    { path: 'd/f', sizeBytes: 5 },
    ...['good', 'elsewhere', 'vanished', 'denied', 'odd'].map((path) => ({ path, target: 'd/f', leadsTo: 'd/f' })),
    { path: 'current', target: 'd', leadsTo: 'd' },
    { path: 'current/f', target: '', leadsTo: 'd/f' },
  ]);
  const names = ['good', 'elsewhere', 'vanished', 'denied', 'odd', 'current', 'unknown'].map(link);
  const tree = { '/tree/': [directory('d'), ...names], '/tree/d': [file('f', 5)] };
  const target: Readonly<Record<string, SftpAnswer>> = {
    good: { names: ['d/f'] },
    elsewhere: { names: ['d/g'] },
    vanished: NO_FILE,
    denied: DENIED,
    odd: { names: ['d\xff/f'] },
    current: { names: ['./d'] },
  };

  test('count by their targets; one that cannot be read proves nothing, and one that nobody asks for is not read', async () => {
    const read: string[] = [];
    const script = listing(tree, (request, path) => {
      if (request !== 'readlink') return undefined;
      read.push(path);
      return target[path.slice('/tree/'.length)];
    });
    const { report, results: found } = await results(script, inventory);
    const unread = 'failed: is listed as a link whose target cannot be read';
    expect(found).toEqual({
      '': 'present',
      d: 'present',
      'd/f': 'present 5',
      good: 'present 5',
      elsewhere: 'different',
      vanished: `${unread}: no such file`,
      denied: `${unread}: permission denied`,
      odd: 'failed: leads to a name that is no UTF-8',
      current: 'present',
      'current/f': 'present 5',
    });
    expect(read.map((path) => path.slice('/tree/'.length)).sort()).toEqual(Object.keys(target).sort());
    expect(report.requests).toBe(2 + read.length);
  });

  test('a cut while they are read proves none of them absent', async () => {
    const script = listing(tree, (request, path) => {
      if (request !== 'readlink') return undefined;
      return path === '/tree/denied' ? 'cut' : target[path.slice('/tree/'.length)];
    });
    const { results: found } = await results(script, inventory);
    expect(found['d/f']).toBe('present 5');
    expect(Object.values(found)).not.toContain('absent');
    expect(found['denied']).toBe('failed: the connection was cut');
  });
});

requires('sshd')('bounds', () => {
  test('a listing without end is given up, and not begun again', async () => {
    const many: Listed = Array.from({ length: 20 }, (_, i) => file(`${'x'.repeat(2000)}${i}`, 1));
    const script = listing(TREE, (request) => (request === 'readdir' ? { names: many } : undefined));
    const { report } = await results(script);
    expect(report).toMatchObject({ ended: 'partial', requests: 3, reason: 'its listing does not end' });
  });

  test('a server that cuts now and then is read all the same; one that cuts for good is given up', async () => {
    const inventory = testInventory([
      { path: '' },
      ...Array.from({ length: 20 }, (_, i) => [{ path: `d${i}` }, { path: `d${i}/f`, sizeBytes: 1 }]).flat(),
    ]);
    const names = Array.from({ length: 20 }, (_, i) => `d${i}`);
    const tree = {
      '/tree/': names.map(directory),
      ...Object.fromEntries(names.map((name) => [`/tree/${name}`, [file('f', 1)]])),
    };
    const hiccups = await results(
      listing(tree, (request, _, nth) => (request === 'opendir' && nth % 5 === 0 ? 'cut' : undefined)),
      inventory,
    );
    expect(hiccups.report).toMatchObject({ ended: 'whole' });
    expect(new Set(Object.values(hiccups.results))).toEqual(new Set(['present', 'present 1']));
    const broken = await results(
      listing(tree, (request, _, nth) => (request === 'opendir' && nth > 6 ? 'cut' : undefined)),
      inventory,
    );
    expect(broken.report).toMatchObject({ ended: 'partial', reason: 'the connection was cut' });
    expect(broken.report.connections).toBeLessThan(10);
    expect(Object.values(broken.results)).not.toContain('absent');
  });
});
