import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../core/errors.ts';
import { directories, eachInAFolder, file, folder, link, rows, take } from './testing/planted.ts';

eachInAFolder();

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
