import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { beneathLinks } from '../../core/inventory.ts';
import { at, directories, eachInAFolder, file, folder, idOf, link, rows, take } from './testing/planted.ts';

eachInAFolder();

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
