import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RunError, UsageError } from '../../core/errors.ts';
import {
  directories,
  eachInAFolder,
  file,
  folder,
  HOSTILE_NAMES,
  idOf,
  link,
  plantHostileTree,
  rows,
  take,
} from './testing/planted.ts';

eachInAFolder();

function encoded(latin1: string): string {
  return [...Buffer.from(latin1, 'latin1')]
    .map((byte) => String.fromCharCode(byte))
    .map((c) => (/[A-Za-z0-9._~-]/.test(c) ? c : `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`))
    .join('');
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

  test('stops when it is told to, with the signal’s reason, which tells the person', async () => {
    const reason = new Error('enough');
    await expect(take({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
