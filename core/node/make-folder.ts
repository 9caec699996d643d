import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { RunError } from '../errors.ts';
import { systemErrorWords } from './system-errors.ts';

/**
 * Makes a folder with those above it, where they are missing. Throws RunError, naming the one that can't be made and why.
 * Node's own `recursive` says ENOENT for a file system that is read-only, and never ends below /proc.
 */
export function makeFolder(folder: string): void {
  const whole = resolve(folder);
  try {
    make(whole);
  } catch (error) {
    const { code, path = whole } = error as NodeJS.ErrnoException;
    const why = MKDIR_WORDS[code ?? ''] ?? systemErrorWords(error);
    if (why === null) throw error;
    throw new RunError(`${path}: this folder can't be made: ${why}; put that right, or name another place`);
  }
}

/** What only mkdir(2) means by them: the folder above is there, and nobody has made this one meanwhile. */
const MKDIR_WORDS: Readonly<Record<string, string>> = {
  EEXIST: 'something that is no folder has its name (EEXIST)',
  ENOENT: 'nothing can be made there (ENOENT)',
};

function make(folder: string): void {
  if (isFolder(folder)) return;
  const above = dirname(folder);
  if (above !== folder) make(above);
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have been quicker.
    if (!isFolder(folder)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
