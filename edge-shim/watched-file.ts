import { readFileSync, statSync } from 'node:fs';
import { messageOf, UsageError } from '../core/errors.ts';
import { parseKeys, tablesOf } from './built-function.ts';
import type { Tables } from './decide.ts';

const LOOK_EVERY_MS = 1_000;

/**
 * What a file says, in memory. A new content is taken over by the first request that comes a second or more after the
 * last look; what is torn or gone leaves the old content in force and is told to `note` once.
 */
export class WatchedFile<T> {
  readonly file: string;
  readonly #read: (bytes: Buffer, file: string) => T;
  readonly #note: (line: string) => void;
  #content: T;
  #stamp: string;
  #lookedAtMs = 0;

  /** Throws what `read` throws, or UsageError where it cannot be read, so that there is no content to begin with. */
  constructor(file: string, read: (bytes: Buffer, file: string) => T, note: (line: string) => void) {
    this.file = file;
    this.#read = read;
    this.#note = note;
    let bytes: Buffer;
    try {
      this.#stamp = stampOf(file);
      bytes = readFileSync(file);
    } catch (error) {
      throw new UsageError(`${file}: cannot be read (${codeOf(error)})`);
    }
    this.#content = read(bytes, file);
  }

  current(nowMs: number): T {
    if (nowMs - this.#lookedAtMs >= LOOK_EVERY_MS) {
      this.#lookedAtMs = nowMs;
      this.#renew();
    }
    return this.#content;
  }

  /** Reads the file again, changed or not. */
  reload(): void {
    this.#stamp = 'asked for';
    this.#renew();
  }

  #renew(): void {
    let stamp = 'gone';
    try {
      stamp = stampOf(this.file);
      if (stamp !== this.#stamp) this.#content = this.#read(readFileSync(this.file), this.file);
    } catch (error) {
      if (stamp !== this.#stamp) this.#note(`${messageOf(error)}; what was there before stays in force`);
    }
    this.#stamp = stamp;
  }
}

/** The edge's keys from their import form. Throws FormatError. */
export function readKeys(bytes: Buffer, file: string): Tables {
  return tablesOf(parseKeys(bytes.toString('utf8'), file));
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : messageOf(error);
}

function stampOf(file: string): string {
  const { mtimeMs, size, ino } = statSync(file);
  return `${mtimeMs} ${size} ${ino}`;
}
