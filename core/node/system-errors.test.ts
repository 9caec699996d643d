import { existsSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { naming, systemErrorWords } from './system-errors.ts';

describe('an error of the system', () => {
  it.runIf(existsSync('/dev/full'))('names the file also where it could be opened, and then not be written', () => {
    const write = () => writeFileSync('/dev/full', 'text');
    expect(write).toThrow(expect.not.objectContaining({ path: '/output/file' }));
    expect(() => naming('/output/file', write)).toThrow(
      expect.objectContaining({ code: 'ENOSPC', path: '/output/file' }),
    );
  });

  it('keeps the name that it has', () => {
    expect(() => naming('/output/file', () => writeFileSync('/dev/null/a', ''))).toThrow(
      expect.objectContaining({ code: 'ENOTDIR', path: '/dev/null/a' }),
    );
  });

  it('has words where it is the machine’s state, none where it may be our fault', () => {
    expect(systemErrorWords({ code: 'EDQUOT' })).toBe('the quota is used up (EDQUOT)');
    for (const code of ['ENOENT', 'EEXIST', 'EBADF', 'ERR_INVALID_ARG_TYPE'])
      expect(systemErrorWords({ code })).toBeNull();
    expect(systemErrorWords(new Error('no code'))).toBeNull();
  });
});
