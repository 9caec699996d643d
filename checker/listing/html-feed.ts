import { Parser } from 'htmlparser2';
import { type RowEvents, readPlainRows } from './plain-rows.ts';

/**
 * What is read of a page. Names are in lower case, text has one character for each byte, entities are decoded. Plain rows
 * of a `pre` are given as such, without the events that their marks and their text would have made.
 */
export interface HtmlEvents extends RowEvents {
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  said(text: string): void;
  /** `isImplied`: the page has no such tag here. */
  close(name: string, isImplied: boolean): void;
}

const MAX_TOKEN_CHARACTERS = 64 * 1024;
const MAX_DEPTH = 500;
const MAX_REST_CHARACTERS = 500;

/** Reads a page as a stream, in bounded memory and in time that grows as the page does, whatever it is fed. */
export class HtmlFeed {
  /** Why the rest of the page is not read any more; '' = it is. */
  broken = '';
  readonly #events: HtmlEvents;
  readonly #parser: Parser;
  /** The begin of a row whose end is still to come. */
  #rest = '';
  #fedCharacters = 0;
  #eventAtCharacters = 0;
  #endsLine = false;
  #textEndsAt = -1;
  #depth = 0;
  /** How deep the tags of the `pre` are in which we are; 0 = in none. */
  #preDepth = 0;

  constructor(events: HtmlEvents) {
    this.#events = events;
    const seen = () => this.#seen();
    this.#parser = new Parser({
      onopentagname: seen,
      oncomment: seen,
      onprocessinginstruction: seen,
      onopentag: (name, attributes) => this.#open(name, attributes),
      ontext: (text) => this.#said(text),
      onclosetag: (name, isImplied) => this.#close(name, isImplied),
    });
  }

  push(chunk: Buffer): void {
    if (this.broken !== '') return;
    // A character for each byte: names in links are bytes.
    const text = this.#rest + chunk.toString('latin1');
    this.#rest = '';
    let at = this.isInPre ? 0 : this.#feed(text, 0, endOfFirst('<pre>', text));
    while (at < text.length && this.broken === '') at = this.#readLines(text, at);
  }

  /** The page has come to its end: what is open is closed. */
  end(): void {
    if (this.broken === '') this.#feed(this.#rest, 0, this.#rest.length);
    if (this.broken === '') this.#parser.end();
  }

  /** Whether a `pre` is the innermost tag. */
  get isInPre(): boolean {
    return this.#preDepth > 0 && this.#depth === this.#preDepth;
  }

  /** Reads the plain rows that come next, or else gives the parser a line, or all where no such rows can come. */
  #readLines(text: string, start: number): number {
    if (!this.isInPre) return this.#feed(text, start, text.length);
    const behindLine = text.indexOf('\n', start) + 1;
    if (!this.#isAtLineStart()) return this.#feed(text, start, behindLine === 0 ? text.length : behindLine);
    if (behindLine === 0) {
      if (text.length - start > MAX_REST_CHARACTERS) return this.#feed(text, start, text.length);
      this.#rest = text.slice(start);
      return text.length;
    }
    const at = readPlainRows(text, start, this.#events);
    return at > start ? at : this.#feed(text, start, behindLine);
  }

  #feed(text: string, start: number, end: number): number {
    this.#fedCharacters += end - start;
    this.#parser.write(text.slice(start, end));
    this.#endsLine = text[end - 1] === '\n';
    if (this.#fedCharacters - this.#eventAtCharacters > MAX_TOKEN_CHARACTERS) this.broken ||= 'a tag without end';
    return end;
  }

  /** Whether the parser has just given a text that ended a line: then it is in no tag, comment or entity. */
  #isAtLineStart(): boolean {
    return this.#endsLine && this.#textEndsAt === this.#fedCharacters - 1;
  }

  #seen(): void {
    this.#eventAtCharacters = this.#fedCharacters;
  }

  #open(name: string, attributes: Readonly<Record<string, string>>): void {
    this.#seen();
    if (++this.#depth > MAX_DEPTH) this.broken ||= 'tags in tags without end';
    if (this.broken !== '') return;
    if (name === 'pre') this.#preDepth = this.#depth;
    this.#events.open(name, attributes);
  }

  #said(text: string): void {
    this.#seen();
    this.#textEndsAt = this.#parser.endIndex;
    this.#events.said(text);
  }

  #close(name: string, isImplied: boolean): void {
    this.#seen();
    if (name === 'pre') this.#preDepth = 0;
    this.#depth--;
    this.#events.close(name, isImplied);
  }
}

/** The place behind the first `tag`; 0 where there is none. */
function endOfFirst(tag: string, text: string): number {
  const at = text.indexOf(tag);
  return at < 0 ? 0 : at + tag.length;
}
