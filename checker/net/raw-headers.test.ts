import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_TIMEOUT_MS, fuzz } from '../../test/fuzzing.ts';
import { contentLength, headerText } from './raw-headers.ts';

const raw = (...texts: string[]) => texts.map((text) => Buffer.from(text, 'latin1'));

test.each([
  ['5', 5],
  ['0', 0],
  ['9007199254740991', 9_007_199_254_740_991],
  ['9007199254740992', -1],
  ['', -1],
  ['-1', -1],
  ['+5', -1],
  ['5 ', -1],
  ['0x5', -1],
  ['1e3', -1],
  ['5, 5', -1],
])('a Content-Length of "%s" is %d', (text, bytes) => {
  expect(contentLength(raw('Date', 'x', 'cOnTeNt-lEnGtH', text))).toBe(bytes);
});

test('none is told where the name is another', () => {
  expect(contentLength(raw('Content-Lengths', '5', 'Content_Length', '5'))).toBe(-1);
  expect(headerText(raw('locations', 'a', 'LOCATION', '\xff'), 'location')).toBe('\xff');
});

test('any bytes are a length or none', { timeout: FUZZ_TIMEOUT_MS }, async () => {
  const value = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.stringMatching(/^\d{1,20}$/));
  const headers = fc.array(fc.tuple(fc.constantFrom('Content-Length', 'content-length', 'Location', ''), value));
  await fuzz(
    fc.property(headers, (all) => {
      const length = contentLength(all.flatMap((each) => raw(...each)));
      const first = all.find(([name]) => name.toLowerCase() === 'content-length')?.[1] ?? '';
      const digits = Buffer.from(first, 'latin1').toString('latin1');
      expect(length).toBe(/^\d+$/.test(digits) && Number.isSafeInteger(Number(digits)) ? Number(digits) : -1);
    }),
  );
});
