import { ObjectType, type ObjectTypeCode } from '../../core/inventory.ts';

/** An entry as one line of a listing shows it. Texts have one character for each byte (Node's `latin1`). */
export interface LineEntry {
  readonly type: ObjectTypeCode;
  /** Never empty, without `/`. */
  readonly name: string;
  /** Of a file, exact; -1 for other types. */
  readonly sizeBytes: number;
  /** A link's target as it is written; null where the line does not tell it; '' for other types. */
  readonly target: string | null;
}

/**
 * What a line says: an entry; `self`, the listed directory; `other`, what belongs to a listing and is no object (its
 * parent, a total, a device); or null where it cannot be read.
 */
export type ListLine = LineEntry | 'self' | 'other' | null;

// RFC 3659, 7.2: facts end at the first space that follows a semicolon. Links' targets in them may hold spaces.
const FACTS = /^((?:[^\s;=]+=[^;]*;)+) (.+)$/s;
const TYPE = /(?:^|;)type=([^;]*);/i;
const SIZE = /(?:^|;)size=(\d{1,16});/i;
const LINK = /^OS\.unix=s(?:ym)?link(?::(.*))?$/is;

/** A line of MLSD (RFC 3659, 7), without its end. */
export function readMlsdLine(line: string): ListLine {
  const match = FACTS.exec(line);
  if (match === null) return null;
  const [, facts, name] = match as unknown as [string, string, string];
  const type = TYPE.exec(facts)?.[1] ?? '';
  const link = LINK.exec(type);
  if (link !== null) {
    // A target with "; " in it ends the facts too early: then the rest of the facts is taken for the name.
    return entry(ObjectType.symlink, name, -1, name.includes(';') ? null : (link[1] ?? null));
  }
  switch (type.toLowerCase()) {
    case 'file':
      return entry(ObjectType.file, name, sizeOf(SIZE.exec(facts)?.[1]), '');
    case 'dir':
      return entry(ObjectType.directory, name, -1, '');
    case 'cdir':
      return 'self';
    case 'pdir':
      return 'other';
    default:
      return type === '' ? null : 'other';
  }
}

// "drwxr-xr-x    2 owner    group        4096 Nov 22 12:18 name". Servers write no other than English months; owners
// and groups may hold spaces. Every run is bounded, so that no line takes long.
const UNIX =
  /^([-dlbcpsD])[-rwxsStTlL]{9}[.+@]? {1,20}\d{1,10} {1,20}\S.{0,80}? {1,20}(?:(\d{1,16})|\d{1,10}, {0,10}\d{1,10}) (?:[A-Z][a-z]{2} [ \d]\d {1,2}(?:\d{4}|\d\d:\d\d)|\d{4}-\d\d-\d\d \d\d:\d\d) (.+)$/s;
// "11-22-26  12:18PM       <DIR>          name", "11-22-2026  12:18              1234 name" (Internet Information Services).
const DOS = /^\d\d-\d\d-(?:\d\d|\d{4}) {1,4}\d\d:\d\d(?:[AP]M)? {1,30}(?:<DIR> {1,10}|(\d{1,16}) )(.+)$/s;
const TOTAL = /^total \d+$/;
const ARROW = ' -> ';

/** A line of LIST, as Unix servers (`ls -l`) or Internet Information Services write it, without its end. */
export function readListLine(line: string): ListLine {
  const unix = UNIX.exec(line);
  if (unix !== null) {
    const [, kind, size, name] = unix as unknown as [string, string, string | undefined, string];
    if (kind === '-') return entry(ObjectType.file, name, sizeOf(size), '');
    if (kind === 'd') return entry(ObjectType.directory, name, -1, '');
    return kind === 'l' ? link(name, sizeOf(size)) : 'other';
  }
  const dos = DOS.exec(line);
  if (dos !== null) {
    const [, size, name] = dos as unknown as [string, string | undefined, string];
    return size === undefined
      ? entry(ObjectType.directory, name, -1, '')
      : entry(ObjectType.file, name, sizeOf(size), '');
  }
  return TOTAL.test(line) ? 'other' : null;
}

/** -1 where it is none, or beyond what is exact. */
function sizeOf(digits: string | undefined): number {
  const size = digits === undefined ? -1 : Number(digits);
  return Number.isSafeInteger(size) ? size : -1;
}

function entry(type: ObjectTypeCode, name: string, sizeBytes: number, target: string | null): ListLine {
  if (name === '.') return 'self';
  if (name === '..') return 'other';
  if (name.includes('/') || (type === ObjectType.file && sizeBytes < 0)) return null;
  return { type, name, sizeBytes, target };
}

/** "name -> target": both may hold an arrow, but a link's size is its target's length in bytes. */
function link(text: string, targetLength: number): ListLine {
  const at = text.length - targetLength - ARROW.length;
  if (at > 0 && text.startsWith(ARROW, at)) {
    return entry(ObjectType.symlink, text.slice(0, at), -1, text.slice(at + ARROW.length));
  }
  const first = text.indexOf(ARROW);
  // Some servers tell another size; with one arrow there is but one reading.
  if (first <= 0 || text.indexOf(ARROW, first + 1) >= 0) return null;
  return entry(ObjectType.symlink, text.slice(0, first), -1, text.slice(first + ARROW.length));
}
