import type { ObjectPath } from '../../core/path.ts';
import { pathFromLatin1 } from '../../core/path-bytes.ts';
import { asBytes, childLink, type Directory, DOUBTFUL, type Rejection } from './child-link.ts';
import { HtmlFeed } from './html-feed.ts';
import { listedSize, NO_SIZE, type SizeRange, sizeAfterTime } from './listed-size.ts';

/** One name on an index page. */
export interface IndexEntry {
  /** A canonical path segment. */
  readonly name: ObjectPath;
  readonly isDirectory: boolean;
  readonly size: SizeRange;
}

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
  readonly #feed: HtmlFeed;
  #isIndex = false;
  #isOther = false;
  #lacksEnd = false;
  /** Headings: what they say so far; null outside of one. */
  #heading: string | null = null;
  #openLists = 0;
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
    this.#feed = new HtmlFeed({
      open: (name, attributes) => this.#open(name, attributes),
      said: (text) => this.#said(text),
      close: (name, isImplied) => this.#close(name, isImplied),
      nameRow: (name, isDirectory, sizeBytes) => this.#nameRow(name, isDirectory, sizeBytes),
      linkRow: (href, behind) => this.#linkRow(href, behind),
    });
  }

  /** False: it is broken, and the rest of it is of no use. */
  push(chunk: Buffer): boolean {
    this.#feed.push(chunk);
    return this.#feed.broken === '';
  }

  /** The page has come to its end. */
  end(): void {
    this.#feed.end();
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
    if (this.#feed.broken !== '') return `an index page with ${this.#feed.broken}`;
    if (this.#lacksEnd) return 'an index page with a list without end';
    if (!this.#isClosed) return 'an index page that breaks off';
    if (this.#listsWithEntries > 1) return 'an index page with more than one list';
    if (this.entries > 0 && this.entries % ROUND_NUMBER === 0)
      return `an index page that may stop at ${this.entries} names`;
    const doubtful = [...this.rejections.keys()].find((reason) => DOUBTFUL.has(reason));
    return doubtful === undefined ? '' : `an index page with a link that is no name: ${doubtful}`;
  }

  #open(name: string, attributes: Attributes): void {
    if (LISTS.has(name)) this.#openList(name, attributes);
    else if (name === 'a') this.#link(attributes['href']);
    else if (name === 'td') this.#openCell(attributes);
    else if (name === 'tr' || name === 'li') this.#endRow();
    else if (HEADINGS.has(name)) this.#heading = '';
  }

  #said(text: string): void {
    if (this.#heading !== null) this.#heading = (this.#heading + text).slice(0, MAX_HEADING_CHARACTERS);
    else if (this.#row !== null && !this.#inLink && this.#text.length < MAX_ROW_CHARACTERS) {
      this.#text += text;
      const end = this.#feed.isInPre ? this.#text.indexOf('\n') : -1;
      if (end < 0) return;
      this.#text = this.#text.slice(0, end);
      this.#endRow();
    }
  }

  #close(name: string, isImplied: boolean): void {
    if (name === 'a') this.#inLink = false;
    else if (LISTS.has(name)) this.#closeList(isImplied);
    else if (isImplied) return;
    else if (name === 'td') this.#closeCell();
    else if (name === 'tr' || name === 'li') this.#endRow();
    else if (name === 'html') this.#isClosed = this.#openLists === 0;
    else if (HEADINGS.has(name)) this.#closeHeading();
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
    this.#listsSeen++;
  }

  #closeList(isImplied: boolean): void {
    this.#openLists--;
    if (isImplied) {
      // The page breaks off, and so may its last row: a size may lack its last digits.
      this.#row = null;
      this.#lacksEnd = true;
    }
    this.#endRow();
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

  #nameRow(name: ObjectPath, isDirectory: boolean, sizeBytes: number): void {
    this.#endRow();
    const hasSize = sizeBytes >= 0 && !isDirectory;
    this.#tell({ name, isDirectory, size: hasSize ? { minBytes: sizeBytes, maxBytes: sizeBytes } : NO_SIZE });
  }

  #linkRow(href: string, behind: string): void {
    this.#link(href);
    this.#inLink = false;
    this.#text = behind;
    this.#endRow();
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
    const size = row.isDirectory ? NO_SIZE : row.size === NO_SIZE ? sizeAfterTime(this.#text) : row.size;
    this.#tell({ name: row.name, isDirectory: row.isDirectory, size });
  }

  #tell(entry: IndexEntry): void {
    if (this.#isOther) return;
    this.entries++;
    this.#onEntry(entry);
  }
}

function lastSegment(path: string): ObjectPath {
  const withoutSlash = path.endsWith('/') ? path.slice(0, -1) : path;
  return pathFromLatin1(asBytes(withoutSlash.slice(withoutSlash.lastIndexOf('/') + 1)));
}
