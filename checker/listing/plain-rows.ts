import { CANONICAL_NAME } from './child-link.ts';

/** What plain rows are given to. */
export interface RowEvents {
  /** A row whose link is a canonical name. `sizeBytes` is exact; -1 = none is told. */
  nameRow(name: string, isDirectory: boolean, sizeBytes: number): void;
  /** Any other: its link, and the text behind it on the line. */
  linkRow(href: string, behind: string): void;
}

const NO_SIZE = -1;
/** A canonical name, a date, a time, and a size in bytes or a dash. `childLink` and `sizeAfterTime` make the same of it. */
const NAME_ROW = new RegExp(
  `<a href="(?![.]{1,2}[/"])(${CANONICAL_NAME})(/?)">[^<]{0,1000}</a>` +
    String.raw`[ \t\r]*[^\s<&]{8,11}[ \t\r]+\d\d:\d\d(?::\d\d)?[ \t\r]+(?:(\d{1,15})|-)[ \t\r]*\n`,
  'y',
);
/** One link and nothing else that is marked up or escaped. */
const LINK_ROW =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is left to the parser
  /<a href="([^"&<>\u0000-\u001f]{1,1000})">[^<]{0,1000}<\/a>([^<&\n]{0,400})\n/y;

/**
 * Reads rows of preformatted text, as nginx writes them by the tens of thousands, for as long as they are plain, from
 * `start`, which must be the begin of a line; answers where the first row that is not plain begins. It takes a
 * twentieth of the time that a parser needs for the same rows, and in a fresh process half the time of a loop over the
 * bytes, which is interpreted until it has run long.
 */
export function readPlainRows(text: string, start: number, rows: RowEvents): number {
  let at = start;
  for (let next = readRow(text, at, rows); next > at; next = readRow(text, at, rows)) at = next;
  return at;
}

/** The begin of the next row; `start` where this one is not plain. */
function readRow(text: string, start: number, rows: RowEvents): number {
  NAME_ROW.lastIndex = start;
  const named = NAME_ROW.exec(text);
  if (named !== null) {
    // The callbacks may read rows of another page.
    const end = NAME_ROW.lastIndex;
    rows.nameRow(named[1] as string, named[2] === '/', named[3] === undefined ? NO_SIZE : Number(named[3]));
    return end;
  }
  LINK_ROW.lastIndex = start;
  const linked = LINK_ROW.exec(text);
  if (linked === null) return start;
  const end = LINK_ROW.lastIndex;
  rows.linkRow(linked[1] as string, linked[2] as string);
  return end;
}
