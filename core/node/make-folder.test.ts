import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { tempFolder } from '../../test/temp-folder.ts';
import { makeFolder } from './make-folder.ts';

const temporary = tempFolder();
afterAll(temporary.close);
const at = (name: string) => join(temporary.path, name);

describe('making a folder', () => {
  it('makes those above it too, and is content with one that is there', () => {
    makeFolder(at('a/b/c'));
    makeFolder(at('a/b/c'));
    expect(existsSync(at('a/b/c'))).toBe(true);
  });

  it('follows a link to a folder', () => {
    makeFolder(at('real'));
    symlinkSync('real', at('link'));
    makeFolder(at('link/below'));
    expect(existsSync(at('real/below'))).toBe(true);
  });

  writeFileSync(at('file'), 'text');
  symlinkSync('circle', at('circle'));
  symlinkSync('nowhere', at('dangling'));
  const cases: [string, string, string][] = [
    ['a file of that name', at('file'), `${at('file')}: this folder can't be made: something that is no folder`],
    ['a file above it', at('file/below'), `a part of the path is not a directory (ENOTDIR)`],
    ['a link to itself', at('circle'), 'symbolic links lead in a circle (ELOOP)'],
    ['a link to nothing', at('dangling'), 'something that is no folder has its name'],
    ['a name of 300 letters', at('x'.repeat(300)), 'the name is too long (ENAMETOOLONG)'],
    ['a device', '/dev/null', 'something that is no folder has its name'],
    [
      'a place where none can be',
      '/proc/none/below',
      "/proc/none: this folder can't be made: nothing can be made there",
    ],
  ];
  it.each(cases)('says what is in the way: %s', (_, folder, words) => {
    expect(() => makeFolder(folder)).toThrow(
      expect.objectContaining({ name: 'RunError', message: expect.stringContaining(words) }),
    );
  });

  it('leaves a file that is in the way as it was', () => {
    expect(() => makeFolder(at('file'))).toThrow();
    expect(readFileSync(at('file'), 'utf8')).toBe('text');
  });
});
