import { Parser } from 'htmlparser2';
import type { ObjectPath } from '../../core/path.ts';
import { pathFromLatin1 } from '../../core/path-bytes.ts';
import { asBytes, childLink, type Directory, DOUBTFUL, type Rejection } from './child-link.ts';
import { listedSize, NO_SIZE, type SizeRange, sizeAfterTime } from './listed-size.ts';
import { readPlainRows } from './plain-rows.ts';

/** One name on an index page. */
export interface IndexEntry {
  /** A canonical path segment. */
  readonly name: ObjectPath;
  readonly isDirectory: boolean;
  readonly size: SizeRange;
}

const MAX_TOKEN_CHARACTERS = 64 * 1024;
const MAX_DEPTH = 500;
const MAX_ROW_CHARACTERS = 500;
const MAX_HEADING_CHARACTERS = 4096;
/** nginx, Apache, lighttpd and fancyindex; Python. */
const HEADING = /^\s*(?:Index of|Directory listing for) (.*)$/s;
const HEADINGS = new Set(['title', 'h1', 'h2']);
const LISTS = new Set(['pre', 'table', 'ul']);
/** Caddy stops at 10,000 names unless it is told otherwise, and says nothing; others at round numbers of their own. */
const ROUND_NUMBER = 1000;

type Attributes = Readonly<Record<string, string>>;

/**
 * Reads an index page as a stream: nginx, fancyindex, Apache (plain, fancy, table), lighttpd, Caddy, Python. Names
 * come from the links, percent-decoded once, never from the text that people see, which servers cut. Whatever it is
 * fed, it throws nothing and holds no more than one row.
 */
export class IndexPage {
  /** Names told of. */
  entries = 0;
  /** Links that are no entries, by the reason. */
  readonly rejections = new Map<Rejection, number>();
  readonly #directory: Directory;
  readonly #onEntry: (entry: IndexEntry) => void;
  readonly #parser: Parser;
  /** The begin of a row whose end is still to come. */
  #rest = '';
  #fedCharacters = 0;
  #endsLine = false;
  #textEndsAt = -1;
  #eventAtCharacters = 0;
  #depth = 0;
  #broken = '';
  #isIndex = false;
  #isOther = false;
  /** Headings: what they say so far; null outside of one. */
  #heading: string | null = null;
  #openLists = 0;
  /** How deep the tags of the `pre` are in which we are; 0 = in none. */
  #preDepth = 0;
  #listsSeen = 0;
  #listsWithEntries = 0;
  #entriesBeforeList = 0;
  #isClosed = false;
  /** The row under way: its link, the size if its cells told one, and the text since the last mark. */
  #row: { readonly name: ObjectPath; readonly isDirectory: boolean; size: SizeRange } | null = null;
  #inLink = false;
  #text = '';

  constructor(directory: Directory, onEntry: (entry: IndexEntry) => void) {
    this.#directory = directory;
    this.#onEntry = onEntry;
    this.#parser = new Parser({
      onopentagname: () => this.#event(),
      oncomment: () => this.#event(),
      onprocessinginstruction: () => this.#event(),
      onopentag: (name, attributes) => this.#open(name, attributes),
      ontext: (text) => this.#said(text),
      onclosetag: (name, isImplied) => this.#close(name, isImplied),
    });
  }

  push(chunk: Buffer): void {
    if (this.#broken !== '') return;
    // A character for each byte: names in links are bytes.
    const text = this.#rest + chunk.toString('latin1');
    this.#rest = '';
    let at = this.#isInPre() ? 0 : this.#feed(text, 0, endOfFirst('<pre>', text));
    while (at < text.length && this.#broken === '') at = this.#readLine(text, at);
  }

  /** Feeds the parser a line, and reads the plain rows behind it, if plain rows can stand there. */
  #readLine(text: string, start: number): number {
    if (!this.#isInPre()) return this.#feed(text, start, text.length);
    const behindLine = text.indexOf('\n', start) + 1;
    if (behindLine === 0) {
      if (text.length - start > MAX_ROW_CHARACTERS || !this.#isAtLineStart())
        return this.#feed(text, start, text.length);
      this.#rest = text.slice(start);
      return text.length;
    }
    if (!this.#isAtLineStart()) return this.#feed(text, start, behindLine);
    const at = readPlainRows(text, start, (href, behind) => {
      this.#link(href);
      this.#inLink = false;
      this.#text = behind;
      this.#endRow();
    });
    return at > start ? at : this.#feed(text, start, behindLine);
  }

  #feed(text: string, start: number, end: number): number {
    this.#fedCharacters += end - start;
    this.#parser.write(text.slice(start, end));
    this.#endsLine = text[end - 1] === '\n';
    const tokenCharacters = this.#fedCharacters - this.#eventAtCharacters;
    if (tokenCharacters > MAX_TOKEN_CHARACTERS) this.#break('a tag without end');
    return end;
  }

  #isInPre(): boolean {
    return this.#preDepth > 0 && this.#depth === this.#preDepth;
  }

  /** Whether the parser has just given a text that ended a line: then it is in no tag, comment or entity. */
  #isAtLineStart(): boolean {
    return this.#endsLine && this.#textEndsAt === this.#fedCharacters - 1;
  }

  /** The page has come to its end. */
  end(): void {
    // A row that is not closed is cut: its size may lack its last digits.
    if (this.#broken === '') this.#feed(this.#rest, 0, this.#rest.length);
    this.#row = null;
    if (this.#broken === '') this.#parser.end();
  }

  /** Whether it is an index page of one of the known servers; if not, nothing follows from it. */
  get isIndex(): boolean {
    return this.#isIndex && !this.#isOther && this.#listsSeen > 0;
  }

  /**
   * Why a name that it does not show may be there all the same; '' where it may not. Asked after `end`.
   */
  get doubt(): string {
    if (this.#isOther) return 'an index page of another directory';
    if (!this.isIndex) return 'no index page of a known server';
    if (this.#broken !== '') return `an index page with ${this.#broken}`;
    if (!this.#isClosed) return 'an index page that breaks off';
    if (this.#listsWithEntries > 1) return 'an index page with more than one list';
    if (this.entries > 0 && this.entries % ROUND_NUMBER === 0)
      return `an index page that may stop at ${this.entries} names`;
    const doubtful = [...this.rejections.keys()].find((reason) => DOUBTFUL.has(reason));
    return doubtful === undefined ? '' : `an index page with a link that is no name: ${doubtful}`;
  }

  #event(): void {
    this.#eventAtCharacters = this.#fedCharacters;
  }

  #break(reason: string): void {
    this.#broken ||= reason;
  }

  #open(name: string, attributes: Attributes): void {
    this.#event();
    if (++this.#depth > MAX_DEPTH) this.#break('tags in tags without end');
    if (this.#broken !== '') return;
    if (LISTS.has(name)) this.#openList(name, attributes);
    else if (name === 'a') this.#link(attributes['href']);
    else if (name === 'td') this.#openCell(attributes);
    else if (name === 'tr' || name === 'li') this.#endRow();
    else if (HEADINGS.has(name)) this.#heading = '';
  }

  #said(text: string): void {
    this.#event();
    this.#textEndsAt = this.#parser.endIndex;
    if (this.#heading !== null) this.#heading = (this.#heading + text).slice(0, MAX_HEADING_CHARACTERS);
    else if (this.#row !== null && !this.#inLink && this.#text.length < MAX_ROW_CHARACTERS) {
      this.#text += text;
      const end = this.#preDepth > 0 ? this.#text.indexOf('\n') : -1;
      if (end < 0) return;
      this.#text = this.#text.slice(0, end);
      this.#endRow();
    }
  }

  #close(name: string, isImplied: boolean): void {
    this.#event();
    this.#depth--;
    if (name === 'a') this.#inLink = false;
    else if (name === 'td') this.#closeCell();
    else if (name === 'tr' || name === 'li') this.#endRow();
    else if (HEADINGS.has(name)) this.#closeHeading();
    else if (LISTS.has(name)) this.#closeList(name, isImplied);
    else if (name === 'html' && !isImplied) this.#isClosed = this.#openLists === 0;
  }

  #closeHeading(): void {
    const named = HEADING.exec(this.#heading ?? '');
    this.#heading = null;
    if (named === null) return;
    this.#isIndex = true;
    // A pipeline that has lost an answer, or a cache that mixes them up: nothing on this page is about the directory.
    const { name } = this.#directory;
    if (name !== '' && lastSegment(named[1] as string) !== name) this.#isOther = true;
  }

  #openList(name: string, attributes: Attributes): void {
    this.#endRow();
    // What fancyindex (which may have any heading) and Caddy (which has none of its own) write.
    const isKnown = attributes['id'] === 'list' || attributes['aria-describedby'] === 'summary';
    if (name === 'table' && isKnown) this.#isIndex = true;
    if (this.#openLists++ === 0) this.#entriesBeforeList = this.entries;
    if (name === 'pre') this.#preDepth = this.#depth;
    this.#listsSeen++;
  }

  #closeList(name: string, isImplied: boolean): void {
    this.#endRow();
    if (name === 'pre') this.#preDepth = 0;
    this.#openLists--;
    if (isImplied) this.#break('a list without end');
    if (this.#openLists === 0 && this.entries > this.#entriesBeforeList) this.#listsWithEntries++;
  }

  #link(href: string | undefined): void {
    this.#endRow();
    if (href === undefined) return;
    const link: ReturnType<typeof childLink> =
      this.#openLists === 0 ? { rejected: 'outside the list' } : childLink(href, this.#directory);
    if ('rejected' in link) {
      this.rejections.set(link.rejected, (this.rejections.get(link.rejected) ?? 0) + 1);
      return;
    }
    this.#row = { name: link.name, isDirectory: link.isDirectory, size: NO_SIZE };
    this.#inLink = true;
    this.#text = '';
  }

  #openCell(attributes: Attributes): void {
    const exact = attributes['data-order'] ?? attributes['data-size'];
    if (this.#row !== null && exact !== undefined && /^\d+$/.test(exact)) this.#row.size = listedSize(exact);
    this.#text = '';
  }

  #closeCell(): void {
    if (this.#row?.size === NO_SIZE) this.#row.size = listedSize(this.#text);
    this.#text = '';
  }

  #endRow(): void {
    const row = this.#row;
    if (row === null) return;
    this.#row = null;
    this.#inLink = false;
    if (this.#isOther) return;
    this.entries++;
    const size = row.isDirectory ? NO_SIZE : row.size === NO_SIZE ? sizeAfterTime(this.#text) : row.size;
    this.#onEntry({ name: row.name, isDirectory: row.isDirectory, size });
  }
}

/** The place behind the first `tag`; 0 where there is none. */
function endOfFirst(tag: string, text: string): number {
  const at = text.indexOf(tag);
  return at < 0 ? 0 : at + tag.length;
}

function lastSegment(path: string): ObjectPath {
  const withoutSlash = path.endsWith('/') ? path.slice(0, -1) : path;
  return pathFromLatin1(asBytes(withoutSlash.slice(withoutSlash.lastIndexOf('/') + 1)));
}
