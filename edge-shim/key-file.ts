import { readFileSync, statSync } from 'node:fs';
import { messageOf } from '../core/errors.ts';
import { parseKeys } from './built-function.ts';
import type { Lookup } from './in-memory.ts';

const LOOK_EVERY_MS = 1_000;

/**
 * The keys of a file, in memory. A new build is taken over by the first request that comes a second or more after the
 * last look; what is torn or gone leaves the old keys in force and is told to `note` once.
 */
export class KeyFile {
  readonly file: string;
  readonly #note: (line: string) => void;
  #keys: ReadonlyMap<string, string>;
  #stamp: string;
  #lookedAtMs = 0;

  /** Throws FormatError, or the file system's error, where there are no keys to begin with. */
  constructor(file: string, note: (line: string) => void) {
    this.file = file;
    this.#note = note;
    this.#stamp = stampOf(file);
    this.#keys = parseKeys(readFileSync(file, 'utf8'), file);
  }

  /** All look-ups of one answer go to one build. */
  current(nowMs: number): Lookup {
    if (nowMs - this.#lookedAtMs >= LOOK_EVERY_MS) {
      this.#lookedAtMs = nowMs;
      this.#renew();
    }
    const keys = this.#keys;
    return (key) => keys.get(key);
  }

  #renew(): void {
    let stamp = 'gone';
    try {
      stamp = stampOf(this.file);
      if (stamp !== this.#stamp) this.#keys = parseKeys(readFileSync(this.file, 'utf8'), this.file);
    } catch (error) {
      if (stamp !== this.#stamp) this.#note(`${messageOf(error)}; the keys from before stay in force`);
    }
    this.#stamp = stamp;
  }
}

function stampOf(file: string): string {
  const { mtimeMs, size, ino } = statSync(file);
  return `${mtimeMs} ${size} ${ino}`;
}
