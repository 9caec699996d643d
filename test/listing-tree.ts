import { chmodSync, lutimesSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathFromLatin1 } from '../core/path-bytes.ts';
import { onDisk, writeSparse } from '../demo/link-tree.ts';
import { ODD_NAMES } from '../demo/odd-names.ts';

/** One name in the folder that index pages are captured of: one character for each byte. */
export interface ListedName {
  readonly name: string;
  /** -1 for directories and links to them. */
  readonly sizeBytes: number;
  /** As written; '' where it is no link. */
  readonly target: string;
}

const MODIFIED_S = Date.UTC(2026, 5, 30, 12, 34, 56) / 1000;
const KIB = 1024;
// Around the places where servers change their unit, or begin to round.
const SIZES = [0, 1, 972, 973, 999, 1000, 1023, 1024, 1025, 1075, 9_999, 10_000, 10_188, 10_240, 999_999].concat(
  [KIB ** 2 - 1, KIB ** 2, 1.5 * KIB ** 2, 9.96 * KIB ** 2, 100 * KIB ** 2].map(Math.floor),
  [KIB ** 3 - 1, KIB ** 3, 4_700_000_000],
);
const DIRECTORIES = ['directory', 'a space', '<b>', 'per%2Fcent', 'hash#', 'q?a=b', 'caf\xe9', 'colon:', 'plus+amp&'];

/** Files of telling sizes, hostile names, directories, links to both. */
export const LISTED_NAMES: readonly ListedName[] = [
  ...SIZES.map((sizeBytes) => ({ name: `size-${sizeBytes}.tar.xz`, sizeBytes, target: '' })),
  ...ODD_NAMES.map((name, i) => ({ name, sizeBytes: 20_000 + i, target: '' })),
  ...DIRECTORIES.map((name) => ({ name, sizeBytes: -1, target: '' })),
  { name: 'link-to-file', sizeBytes: 10_240, target: 'size-10240.tar.xz' },
  { name: 'link-to-directory', sizeBytes: -1, target: 'directory' },
];

/** Where they lie below the folder: index pages of a root have no link to a parent. */
export const LISTED_DIRECTORY = 'gentoo/listed/';

/** Plants them below an empty folder, with one time for all, readable for everybody. */
export function plantListedNames(folder: string): void {
  const listed = join(folder, LISTED_DIRECTORY);
  mkdirSync(listed, { recursive: true });
  // Some servers read it as another user.
  chmodSync(folder, 0o755);
  for (const { name, sizeBytes, target } of LISTED_NAMES) {
    const path = onDisk(listed, name);
    if (target !== '') symlinkSync(target, path);
    else if (sizeBytes < 0) mkdirSync(path);
    else writeSparse(path, sizeBytes, MODIFIED_S);
    lutimesSync(path, MODIFIED_S, MODIFIED_S);
  }
}

const DOT = /^\./;
// Debian's IndexIgnore, but for what none of the names ends with.
const APACHE_IGNORES = /^\...|[~#]$/;
/** Names that servers leave out, by the first part of `<server>-<dialect>`. */
const LEFT_OUT: Readonly<Record<string, RegExp>> = {
  nginx: DOT,
  fancyindex: DOT,
  lighttpd: DOT,
  apache: APACHE_IGNORES,
};
/** What a page of one of the servers must be read as, by name: 'directory', its exact size, or the size it rounds. */
export function expectedListing(server: string): Map<string, { isDirectory: boolean; sizeBytes: number }> {
  const leftOut = LEFT_OUT[server.split('-')[0] as string];
  const shown = LISTED_NAMES.filter(({ name }) => leftOut?.test(name) !== true);
  return new Map(
    shown.map(({ name, sizeBytes }) => [
      pathFromLatin1(server === 'python' ? asPythonWrites(name) : name),
      { isDirectory: sizeBytes < 0, sizeBytes },
    ]),
  );
}

/** Python takes bytes that are no UTF-8 for lone surrogates, and asks to be asked for those. */
function asPythonWrites(name: string): string {
  const isUtf8 = Buffer.from(Buffer.from(name, 'latin1').toString('utf8'), 'utf8').toString('latin1') === name;
  if (isUtf8) return name;
  return name.replace(/[\x80-\xff]/g, (byte) => {
    const surrogate = 0xdc00 + byte.charCodeAt(0);
    return String.fromCharCode(0xed, 0x80 | ((surrogate >> 6) & 0x3f), 0x80 | (surrogate & 0x3f));
  });
}
