import { quoted } from '../../core/errors.ts';
import { type LineEntry, readListLine, readMlsdLine } from './list-line.ts';

const MAX_LINE_CHARACTERS = 8 * 1024;

/**
 * Reads the listing of one directory as a stream of chunks. Lines end as the first of them does: where that is CRLF, a
 * lone LF belongs to a name. Lines that cannot be read are counted and never guessed at.
 */
export class FtpListParser {
  /** Lines that could not be read, and the first of them, quoted. */
  oddLines = 0;
  firstOdd = '';
  /** It broke off in the middle of a line, which is one of those. */
  isCut = false;
  /** Links that stand there without their target: nothing is known of them. They are not given to `onEntry`. */
  linksWithoutTarget = 0;
  entries = 0;
  /** Whether the listing shows the directory itself, as those do that leave nothing out. */
  showsSelf = false;
  readonly #read: typeof readListLine;
  readonly #onEntry: (entry: LineEntry) => void;
  #lineEnd = '';
  #rest = '';

  constructor(format: 'MLSD' | 'LIST', onEntry: (entry: LineEntry) => void) {
    this.#read = format === 'MLSD' ? readMlsdLine : readListLine;
    this.#onEntry = onEntry;
  }

  push(chunk: Buffer): void {
    const text = this.#rest + chunk.toString('latin1');
    if (this.#lineEnd === '') {
      const first = text.indexOf('\n');
      if (first >= 0) this.#lineEnd = text[first - 1] === '\r' ? '\r\n' : '\n';
    }
    const lines = this.#lineEnd === '' ? [text] : text.split(this.#lineEnd);
    this.#rest = lines.pop() as string;
    for (const line of lines) this.#line(line);
    if (this.#rest.length > MAX_LINE_CHARACTERS) {
      this.#odd(this.#rest);
      this.#rest = '';
    }
  }

  /** What has no end may be the beginning of a longer name: it is odd. */
  end(): void {
    this.isCut = this.#rest !== '';
    if (this.isCut) this.#odd(this.#rest);
    this.#rest = '';
  }

  #line(line: string): void {
    const read = line.length > MAX_LINE_CHARACTERS ? null : this.#read(line);
    if (read === null) {
      if (line !== '') this.#odd(line);
    } else if (read === 'self') this.showsSelf = true;
    else if (read !== 'other') {
      this.entries++;
      if (read.target === null) this.linksWithoutTarget++;
      else this.#onEntry(read);
    }
  }

  #odd(line: string): void {
    if (this.oddLines++ === 0) this.firstOdd = quoted(line, 80);
  }
}
