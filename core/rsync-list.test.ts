import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FUZZ_TIMEOUT_MS, fuzz, mutated } from '../test/fuzzing.ts';
import { ObjectType } from './inventory.ts';
import { type RsyncEntry, RsyncListParser, rsyncTimeS } from './rsync-list.ts';

function parse(text: string, chunkBytes = 1 << 20) {
  const entries: RsyncEntry[] = [];
  const parser = new RsyncListParser((entry) => entries.push(entry));
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += chunkBytes) parser.push(bytes.subarray(at, at + chunkBytes));
  parser.end();
  return { entries, parser };
}

const TIME = '2026/06/30 01:02:03';
const file = (size: string, name: string) => `-rw-r--r-- ${size.padStart(14)} ${TIME} ${name}\n`;
const link = (size: number, name: string) => `lrwxrwxrwx ${String(size).padStart(14)} ${TIME} ${name}\n`;

describe('rsync listing', () => {
  test.each([
    ['a plain name', file('5', 'distfiles/a.tar'), 'distfiles/a.tar', 5],
    ['spaces, also at the ends', file('5', ' a  b '), '%20a%20%20b%20', 5],
    ['thousands with commas', file('1,234,567', 'a'), 'a', 1_234_567],
    ['thousands with points', file('1.234.567', 'a'), 'a', 1_234_567],
    ['beyond 32 bits', file('12884901888', 'a'), 'a', 12_884_901_888],
    ['octal escapes', file('5', 'caf\\#303\\#251'), 'caf%C3%A9', 5],
    ['an escaped newline', file('5', 'a\\#012b'), 'a%0Ab', 5],
    ['an escaped backslash before a number', file('5', 'a\\#134#012'), 'a%5C%23012', 5],
    ['what only looks escaped', file('5', 'a\\#9\\#400'), 'a%5C%239%5C%23400', 5],
    ['a name with a date in it', file('5', `5 ${TIME} x`), '5%202026/06/30%2001%3A02%3A03%20x', 5],
    ['an arrow in a file name', file('5', 'a -> b'), 'a%20-%3E%20b', 5],
    ['a percent sign', file('5', 'a%2Fb'), 'a%252Fb', 5],
  ])('a file with %s', (_, line, path, sizeBytes) => {
    const { entries, parser } = parse(line);
    expect(entries).toEqual([{ type: ObjectType.file, sizeBytes, modified: TIME, path, target: '' }]);
    expect(parser.oddLines).toBe(0);
  });

  test.each([
    ['plain', link(4, 'a -> ab/c'), 'a', 'ab/c'],
    ['an arrow in its name', link(1, 'a -> b -> c'), 'a%20-%3E%20b', 'c'],
    ['an arrow in its target', link(6, 'a -> b -> c'), 'a', 'b%20-%3E%20c'],
    ['an escape in its target', link(2, 'a -> b\\#351'), 'a', 'b%E9'],
    ['a munged target', link(17, 'a -> /rsyncd-munged/b'), 'a', 'b'],
    ['an absolute target', link(2, 'a -> /b'), 'a', '/b'],
  ])('a link with %s', (_, line, path, target) => {
    expect(parse(line).entries).toMatchObject([{ type: ObjectType.symlink, path, target }]);
  });

  test('directories, the root, devices and odd lines', () => {
    const text = [
      `drwxr-xr-x          4,096 ${TIME} .`,
      `drwxr-sr-t+         4,096 ${TIME} distfiles`,
      `crw-r--r--              0 ${TIME} null`,
      'Welcome to \u001b[31mthe mirror',
      '',
      `lrwxrwxrwx              3 ${TIME} without an arrow`,
      '-rw-r--r--     5 yesterday a',
    ].join('\n');
    const { entries, parser } = parse(text);
    expect(entries.map(({ type, path }) => [type, path])).toEqual([
      [ObjectType.directory, ''],
      [ObjectType.directory, 'distfiles'],
    ]);
    expect([parser.specials, parser.oddLines]).toEqual([1, 3]);
    expect(parser.oddSamples[0]).toBe('"Welcome to \\u001b[31mthe mirror"');
  });

  test('is read alike however it is cut into chunks', () => {
    const text = file('1,234', 'a\\#012b') + link(4, 'l -> ab/c') + file('7', 'last').slice(0, -1);
    const whole = parse(text).entries;
    expect(whole).toHaveLength(3);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 80 }), (size) => {
        expect(parse(text, size).entries).toEqual(whole);
      }),
    );
  });

  /** Each line is an entry or odd, in whatever pieces it comes; paths are canonical, sizes are numbers. */
  function expectSane(bytes: Buffer, chunkBytes: number): void {
    const { entries, parser } = parse(bytes.toString('latin1'));
    const pieces = parse(bytes.toString('latin1'), chunkBytes);
    // Not by `expect`, which takes a hundred times as long.
    if (JSON.stringify(pieces.entries) !== JSON.stringify(entries)) throw new Error(`pieces of ${chunkBytes} differ`);
    if (pieces.parser.oddLines !== parser.oddLines) throw new Error('pieces have other odd lines');
    for (const { path, target, sizeBytes, modified } of entries) {
      const isPath = [path, target].every((each) => /^[A-Za-z0-9._~%/-]*$/.test(each));
      if (!isPath || !Number.isSafeInteger(sizeBytes) || !/^[\d/: ]{19}$/.test(modified))
        throw new Error(`no entry: ${path}`);
    }
    for (const sample of parser.oddSamples)
      if (!/^[\x20-\x7e\xa0-\xff…]{2,}$/.test(sample)) throw new Error(`not safe to show: ${JSON.stringify(sample)}`);
  }
  const chunkBytes = fc.integer({ min: 1, max: 300 });

  test('a captured listing with bytes changed, taken out, put in and repeated', {
    timeout: FUZZ_TIMEOUT_MS,
  }, async () => {
    const captured = readFileSync(new URL('../test/fixtures/rsync/listing.txt', import.meta.url));
    expect(parse(captured.toString('latin1')).parser.oddLines).toBe(0);
    await fuzz(fc.property(mutated([captured]), chunkBytes, ({ bytes }, size) => expectSane(bytes, size)));
  });

  test('any bytes, and lines made of the pieces of lines', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    const piece = fc.constantFrom(
      ...['-rw-r--r--', 'lrwxrwxrwx', 'drwxr-xr-x', 'crw-------', ' ', '      ', '5', '1,234', '9'.repeat(400), TIME],
      ...[` ${TIME} `, ' -> ', '\\#012', '\\#777', '/', '.', '..', '\n', '\r\n', '\0', '\xff', 'a', '/rsyncd-munged/'],
    );
    const lines = fc.array(fc.oneof({ weight: 5, arbitrary: piece }, fc.string({ unit: 'binary', maxLength: 4 })), {
      maxLength: 40,
    });
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 400 }).map((all) => Buffer.from(all)),
      lines.map((pieces) => Buffer.from(pieces.join(''), 'latin1')),
    );
    await fuzz(fc.property(bytes, chunkBytes, expectSane));
  });

  test('a line without end is given up', () => {
    const { parser } = parse('x'.repeat(1_000_000), 10_000);
    expect(parser.oddLines).toBeGreaterThan(0);
    expect(parser.oddSamples.every((sample) => sample.length < 250)).toBe(true);
  });

  test('times are UTC', () => {
    expect(rsyncTimeS('2026/06/30 00:00:00')).toBe(Date.UTC(2026, 5, 30) / 1000);
  });
});
