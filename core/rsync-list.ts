import { quoted } from './errors.ts';
import { ObjectType, type ObjectTypeCode } from './inventory.ts';
import type { ObjectPath } from './path.ts';
import { pathFromLatin1 } from './path-bytes.ts';

/** One line of `rsync --list-only -l`, as it is printed with LC_ALL=C and TZ=UTC. */
export interface RsyncEntry {
  readonly type: ObjectTypeCode;
  /** As listed: for a link the length of its target. */
  readonly sizeBytes: number;
  /** `YYYY/MM/DD hh:mm:ss`; see `rsyncTimeS`. */
  readonly modified: string;
  /** Canonical, relative to the listed root; '' is the root itself. */
  readonly path: ObjectPath;
  /** A link's target, percent-encoded like a path; '' for other types. */
  readonly target: string;
}

// "-rw-r--r--     1,234,567 2026/06/30 00:00:00 name": separators of thousands differ between builds and locales.
const LINE = /^([-dlpscbD])[-rwxsStT]{9}[.+@]?\s+([\d][\d,.' ]*?) (\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d) (.*)$/s;
const ESCAPE = /\\#([0-3][0-7]{2})/g;
const MUNGED = '/rsyncd-munged/';
const MAX_ODD_SAMPLES = 5;
const MAX_LINE_CHARACTERS = 64 * 1024;

/**
 * Reads the listing as a stream of chunks. Lines that are no entries (a banner, an rsync of another planet) are
 * counted and sampled, never guessed at; devices and sockets are counted as `special`.
 */
export class RsyncListParser {
  /** Lines that could not be read, and the first of them, quoted. */
  oddLines = 0;
  readonly oddSamples: string[] = [];
  specials = 0;
  #rest = '';
  readonly #onEntry: (entry: RsyncEntry) => void;

  constructor(onEntry: (entry: RsyncEntry) => void) {
    this.#onEntry = onEntry;
  }

  push(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString('latin1')).split('\n');
    this.#rest = lines.pop() as string;
    for (const line of lines) this.#line(line);
    if (this.#rest.length > MAX_LINE_CHARACTERS) {
      this.#odd(this.#rest);
      this.#rest = '';
    }
  }

  end(): void {
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
  }

  #line(line: string): void {
    const match = LINE.exec(line);
    if (match === null) {
      if (line !== '') this.#odd(line);
      return;
    }
    const [, kind, digits, modified, name] = match as unknown as [string, string, string, string, string];
    const type = kind === '-' ? ObjectType.file : kind === 'l' ? ObjectType.symlink : ObjectType.directory;
    if (kind !== '-' && kind !== 'l' && kind !== 'd') {
      this.specials++;
      return;
    }
    const sizeBytes = Number(digits.replace(/[^\d]/g, ''));
    if (!Number.isSafeInteger(sizeBytes)) {
      this.#odd(line);
      return;
    }
    if (type !== ObjectType.symlink) {
      const path = name === '.' ? '' : pathFromLatin1(unescaped(name));
      this.#onEntry({ type, sizeBytes, modified, path, target: '' });
      return;
    }
    const split = splitLink(name, sizeBytes);
    if (split === null) this.#odd(line);
    else
      this.#onEntry({
        type,
        sizeBytes,
        modified,
        path: pathFromLatin1(split.name),
        target: pathFromLatin1(split.target),
      });
  }

  #odd(line: string): void {
    this.oddLines++;
    if (this.oddSamples.length < MAX_ODD_SAMPLES) this.oddSamples.push(quoted(line));
  }
}

function unescaped(text: string): string {
  return text.includes('\\#')
    ? text.replace(ESCAPE, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    : text;
}

/** "name -> target": both may hold an arrow, but a link's listed size is its target's length in bytes. */
function splitLink(text: string, targetLength: number): { name: string; target: string } | null {
  let first: { name: string; target: string } | null = null;
  for (let at = text.indexOf(' -> '); at >= 0; at = text.indexOf(' -> ', at + 1)) {
    const name = unescaped(text.slice(0, at));
    const target = unescaped(text.slice(at + 4));
    const plain = target.startsWith(MUNGED) ? target.slice(MUNGED.length) : target;
    if (target.length === targetLength) return { name, target: plain };
    first ??= { name, target: plain };
  }
  return first;
}

/** Seconds since 1970 of a listing's `YYYY/MM/DD hh:mm:ss` in UTC. */
export function rsyncTimeS(modified: string): number {
  return Date.parse(`${modified.slice(0, 10).replaceAll('/', '-')}T${modified.slice(11)}Z`) / 1000;
}
