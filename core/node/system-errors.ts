/** What a system call's error means for a person; ENOENT and EEXIST are not here: only who asked knows what they mean. */
const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its symbolic links lead in a circle',
  EIO: 'the disk failed to read or write',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files on the whole system',
};

/** `the disk is full (ENOSPC)`; null where it is no error of the system, or one that should not have happened. */
export function systemErrorWords(error: unknown): string | null {
  const { code = '' } = error as NodeJS.ErrnoException;
  const words = WORDS[code];
  return words === undefined ? null : `${words} (${code})`;
}

/** Does the work; its error names the file, which a failed write (a full disk) does not do by itself. */
export function naming<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw Object.assign(error as NodeJS.ErrnoException, { path: (error as NodeJS.ErrnoException).path ?? file });
  }
}
