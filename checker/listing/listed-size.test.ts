import { describe, expect, test } from 'vitest';
import { listedSize, NO_SIZE, sizeAfterTime } from './listed-size.ts';

describe('a size', () => {
  test.each([
    ['0', 0],
    [' 12345 ', 12345],
    ['972 B', 972],
    ['10 bytes', 10],
    ['4700000000', 4_700_000_000],
  ])('%j is exact', (text, bytes) => expect(listedSize(text)).toEqual({ minBytes: bytes, maxBytes: bytes }));

  test.each([
    ['20K', 19 * 1024, 21 * 1024],
    ['1.5M', Math.floor(1.4 * 1024 ** 2), Math.ceil(1.6 * 1024 ** 2)],
    ['0K', 0, 1024],
    ['3 GiB', 2 * 1024 ** 3, 4 * 1024 ** 3],
    // Thousands or 1,024s: nobody knows.
    ['10 MB', 9_000_000, 11 * 1024 ** 2],
  ])('%j lies between', (text, minBytes, maxBytes) => expect(listedSize(text)).toEqual({ minBytes, maxBytes }));

  test.each(['', '-', '1.5', '1,234', 'Directory', '12 apples', '9'.repeat(20), '-5', '1e5'])('%j is none', (text) => {
    expect(listedSize(text)).toEqual(NO_SIZE);
  });
});

test.each([
  ['   30-Jun-2026 12:34               20034\r\n', 20034],
  [' 2026-06-30 12:34  972   GZIP compressed 5K', 972],
  ['    2026-Jun-30 12:34:56     0', 0],
])('behind a time: %j', (text, bytes) => expect(sizeAfterTime(text)).toEqual({ minBytes: bytes, maxBytes: bytes }));

test.each(['  20034', ' 30-Jun-2026 12:34   -', ' 30-Jun-2026 12:34 ', ' 30-Jun-2026 12:34 5,6', ' 99 30-Jun-2026 5'])(
  'no size in %j',
  (text) => expect(sizeAfterTime(text)).toEqual(NO_SIZE),
);
