import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ObjectType } from '../../core/inventory.ts';
import { ODD_NAMES } from '../../demo/odd-names.ts';
import { FUZZ_TIMEOUT_MS, fuzz, mutated } from '../../test/fuzzing.ts';
import type { LineEntry } from './list-line.ts';
import { FtpListParser } from './list-parser.ts';

// Of one folder with the odd names in order of size, a folder and two links, as each server lists it; iis-list.txt is
// written after Microsoft's description of it.
const CAPTURED = new URL('../testing/ftp-listings/', import.meta.url);
const captured = (name: string) => readFileSync(new URL(name, CAPTURED));
const formatOf = (name: string) => (name.endsWith('-mlsd.txt') ? 'MLSD' : 'LIST');

function parsed(format: 'MLSD' | 'LIST', chunks: readonly Buffer[]) {
  const entries: LineEntry[] = [];
  const parser = new FtpListParser(format, (entry) => entries.push(entry));
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  return { parser, entries };
}

const read = (format: 'MLSD' | 'LIST', text: string) => parsed(format, [Buffer.from(text, 'latin1')]);

describe('captured listings', () => {
  const CRLF_NAME = ODD_NAMES.findIndex((name) => name.includes('\r\n'));
  // pure-ftpd leaves out what it takes for unprintable.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  const CONTROL = /[\x00-\x1f\x7f]/;

  test.each([
    ['vsftpd-list.txt', 1, () => true],
    ['proftpd-list.txt', 1, () => true],
    ['proftpd-mlsd.txt', 1, () => true],
    ['pure-ftpd-list.txt', 0, (name: string) => !CONTROL.test(name)],
    ['pure-ftpd-mlsd.txt', 0, (name: string) => !CONTROL.test(name)],
  ])('%s', (file, oddLines, isListed) => {
    const { parser, entries } = parsed(formatOf(file), [captured(file)]);
    expect(parser).toMatchObject({ oddLines, showsSelf: true });
    const bySize = new Map(entries.filter(({ type }) => type === ObjectType.file).map((e) => [e.sizeBytes, e.name]));
    ODD_NAMES.forEach((name, i) => {
      if (i !== CRLF_NAME) expect(bySize.get(i + 1), JSON.stringify(name)).toBe(isListed(name) ? name : undefined);
    });
    expect(entries).toContainEqual({ type: ObjectType.directory, name: 'folder', sizeBytes: -1, target: '' });
    const links = entries.filter(({ type }) => type === ObjectType.symlink);
    if (file.endsWith('-list.txt')) {
      expect(parser.linksWithoutTarget).toBe(0);
      expect(links.map(({ name, target }) => [name, target])).toEqual([
        ['link', '100%'],
        ['link to -> elsewhere', '../d/a b; c'],
      ]);
    } else expect(parser.linksWithoutTarget + links.length).toBe(2);
  });

  test('iis-list.txt', () => {
    const { parser, entries } = parsed('LIST', [captured('iis-list.txt')]);
    expect(parser).toMatchObject({ oddLines: 0, showsSelf: false });
    expect(entries.map(({ name, type, sizeBytes }) => [name, type, sizeBytes])).toEqual([
      ['folder', ObjectType.directory, -1],
      ['f', ObjectType.directory, -1],
      ['github.com%2Fpkg%2Ferrors%2F@v%2Fv0.9.1.zip', ObjectType.file, 1],
      ['two  blanks.tar.gz', ObjectType.file, 123456789],
      [' leading-space.tar.gz', ObjectType.file, 26],
    ]);
  });
});

describe('single lines', () => {
  const file = (name: string, sizeBytes: number) => [{ type: ObjectType.file, name, sizeBytes, target: '' }];
  const symlink = (name: string, target: string) => [{ type: ObjectType.symlink, name, sizeBytes: -1, target }];
  const rows: [format: 'MLSD' | 'LIST', line: string, entries: readonly LineEntry[] | 'odd' | 'no target'][] = [
    ['MLSD', 'Type=file;Size=12;Modify=20260630000000; a', file('a', 12)],
    ['MLSD', 'modify=20260630000000;SIZE=12;TYPE=File; a; b=c; d', file('a; b=c; d', 12)],
    ['MLSD', 'type=file;size=12;  two', file(' two', 12)],
    ['MLSD', 'type=OS.unix=slink:b c;size=3; a', symlink('a', 'b c')],
    ['MLSD', 'type=OS.unix=symlink;size=3; a', 'no target'],
    ['MLSD', 'type=OS.unix=slink:b; c;size=3; a', 'no target'],
    ['MLSD', 'type=OS.unix=chr-1/3; null', []],
    ['MLSD', 'type=cdir; /full/path', []],
    ['MLSD', 'type=pdir; ..', []],
    ['MLSD', 'type=file;size=1; a/b', 'odd'],
    ['MLSD', 'type=file;size=-1; a', 'odd'],
    ['MLSD', 'type=file;size=1e3; a', 'odd'],
    ['MLSD', 'size=1; a', 'odd'],
    ['MLSD', ' a', 'odd'],
    ['MLSD', 'type=file;size=1;', 'odd'],
    ['LIST', '-rw-r--r--   1 ftp      ftp      4294967297 Jan  2  2025 a', file('a', 4294967297)],
    ['LIST', '-rw-r--r--+  1 domain users some group 12 2025-01-02 03:04  b', file(' b', 12)],
    ['LIST', '-rw-r--r--   1 1000     12 12 Jan  2 03:04 12 Jan  2 03:04 x', file('12 Jan  2 03:04 x', 12)],
    ['LIST', 'lrwxrwxrwx   1 0 0 6 Jan  2 03:04 a -> b -> c', symlink('a', 'b -> c')],
    ['LIST', 'lrwxrwxrwx   1 0 0 1 Jan  2 03:04 a -> b -> c', symlink('a -> b', 'c')],
    ['LIST', 'lrwxrwxrwx   1 0 0 0 Jan  2 03:04 a -> b', symlink('a', 'b')],
    ['LIST', 'lrwxrwxrwx   1 0 0 9 Jan  2 03:04 a -> b -> c', 'odd'],
    ['LIST', 'lrwxrwxrwx   1 0 0 9 Jan  2 03:04 a', 'odd'],
    ['LIST', 'crw-rw-rw-   1 0 0 1, 3 Jan  2 03:04 null', []],
    ['LIST', 'total 1234', []],
    ['LIST', '-rw-r--r--   1 0 0 99999999999999999999 Jan  2 03:04 a', 'odd'],
    ['LIST', '-rw-r--r--   1 0 0 12 Jan  2 03:04 a/b', 'odd'],
    ['LIST', 'ls: cannot open directory', 'odd'],
    ['LIST', '01-02-26  03:04PM  <JUNCTION>  a [b]', 'odd'],
  ];
  test.each(rows)('%s %s', (format, line, wanted) => {
    const { parser, entries } = read(format, `${line}\r\n`);
    expect(parser.oddLines).toBe(wanted === 'odd' ? 1 : 0);
    expect(parser.linksWithoutTarget).toBe(wanted === 'no target' ? 1 : 0);
    expect(entries).toEqual(typeof wanted === 'string' ? [] : wanted);
  });

  test('lines end as the first does: elsewhere a line feed belongs to the name', () => {
    const line = (name: string) => `type=file;size=1; ${name}`;
    const names = (text: string) => read('MLSD', text).entries.map(({ name }) => name);
    expect(names(`${line('a')}\r\n${line('b\nc')}\r\n`)).toEqual(['a', 'b\nc']);
    expect(names(`${line('a')}\n${line('b\r')}\n`)).toEqual(['a', 'b\r']);
  });

  test('a line without end, and one beyond all length, are odd', () => {
    expect(read('MLSD', 'type=file;size=1; a').parser.oddLines).toBe(1);
    expect(read('LIST', 'x'.repeat(100_000)).parser.oddLines).toBeGreaterThan(0);
    const long = read('MLSD', `type=file;size=1; ${'x'.repeat(9000)}\r\ntype=file;size=1; a\r\n`);
    expect(long.parser.oddLines).toBe(1);
    expect(long.entries.length).toBe(1);
  });

  test.each([
    ['MLSD', `${'a=b;'.repeat(2000)}`],
    ['MLSD', `${'='.repeat(8000)}`],
    ['LIST', `-rw-r--r-- 1${' 1'.repeat(4000)}`],
    ['LIST', `-rw-r--r-- 1 ${'a '.repeat(4000)}`],
    ['LIST', `-rw-r--r-- 1 ${' '.repeat(8000)}`],
    ['LIST', `11-22-26  12:18PM${' '.repeat(8000)}`],
  ] as const)('%s: no line takes long: %.20s', (format, line) => {
    const text = `${line}\r\n`.repeat(100);
    const startedAtMs = performance.now();
    expect(read(format, text).parser.oddLines).toBe(100);
    expect(performance.now() - startedAtMs).toBeLessThan(2000);
  });
});

describe('anything at all is read without a throw, alike in whatever chunks it comes', () => {
  const listings = readdirSync(CAPTURED).map((name) => ({ format: formatOf(name), bytes: captured(name) }) as const);

  const holds = (format: 'MLSD' | 'LIST', bytes: Buffer, cuts: readonly number[]) => {
    const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
    const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i] as number, end));
    const whole = parsed(format, [bytes]);
    const pieces = parsed(format, chunks);
    expect(pieces.entries).toEqual(whole.entries);
    expect(pieces.parser.oddLines).toBe(whole.parser.oddLines);
    for (const { name, type, sizeBytes } of whole.entries) {
      if (name === '' || name.includes('/')) throw new Error(`a name that is none: ${JSON.stringify(name)}`);
      const isSize = type === ObjectType.file ? Number.isSafeInteger(sizeBytes) && sizeBytes >= 0 : sizeBytes === -1;
      if (!isSize) throw new Error(`a size that is none: ${sizeBytes}`);
    }
  };

  test('captured listings with bytes changed, taken out, put in and repeated', {
    timeout: FUZZ_TIMEOUT_MS,
  }, async () => {
    const property = fc.property(
      mutated(listings.map(({ bytes }) => bytes)),
      fc.boolean(),
      fc.array(fc.nat(), { maxLength: 4 }),
      ({ which, bytes }, isSwapped, cuts) => {
        const { format } = listings[which] as (typeof listings)[number];
        holds(isSwapped ? (format === 'MLSD' ? 'LIST' : 'MLSD') : format, bytes, cuts);
      },
    );
    await fuzz(property);
  });

  test('lines made of the pieces of listings', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    const piece = fc.constantFrom(
      ...['type=', 'file', 'dir', 'cdir', 'OS.unix=slink:', 'size=', ';', '; ', ' ', '=', 'drwxr-xr-x', '-rw-r--r--'],
      ...[
        'lrwxrwxrwx',
        ' -> ',
        'Jan  2',
        ' 03:04 ',
        ' 2026 ',
        '11-22-26  12:18PM',
        '<DIR>',
        '          ',
        '.',
        '..',
        '/',
      ],
      ...['\r', '\n', '\r\n', '\0', '\xff', '0', '1', '12', '9007199254740993', 'total 3', 'name'],
    );
    const property = fc.property(
      fc.constantFrom('MLSD' as const, 'LIST' as const),
      fc.array(fc.oneof({ weight: 5, arbitrary: piece }, fc.string({ unit: 'binary', maxLength: 4 })), {
        maxLength: 40,
      }),
      fc.array(fc.nat(), { maxLength: 4 }),
      (format, pieces, cuts) => holds(format, Buffer.from(pieces.join(''), 'latin1'), cuts),
    );
    await fuzz(property);
  });
});
