import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';

/** Of each property of a parser of foreign text; a nightly run asks for more. */
export const PARSER_CASES = Number(process.env['REDIRECTOR_PARSER_CASES'] ?? 5000);
/** For a test of so many cases. */
export const FUZZ_TIMEOUT_MS = 3_600_000;
const BATCH_CASES = 1000;

/** Holds a property against `PARSER_CASES` cases, in batches: a process that says nothing for minutes is taken for dead. */
export async function fuzz<T>(property: fc.IPropertyWithHooks<T>): Promise<void> {
  for (let left = PARSER_CASES; left > 0; left -= BATCH_CASES) {
    fc.assert(property, { numRuns: Math.min(BATCH_CASES, left) });
    await setImmediate();
  }
}

/** One of the originals, by its place, with bytes changed, taken out, put in and repeated. */
export function mutated(
  originals: readonly Buffer[],
): fc.Arbitrary<{ readonly which: number; readonly bytes: Buffer }> {
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    removed: fc.nat(40),
    added: fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.nat(60)),
  });
  const changes = fc.array(change, { minLength: 1, maxLength: 6 });
  return fc.tuple(fc.nat(originals.length - 1), changes).map(([which, all]) => {
    let bytes = originals[which] as Buffer;
    for (const { at, removed, added } of all) {
      const start = Math.floor(at * bytes.length);
      const put = typeof added === 'number' ? bytes.subarray(start, start + added) : added;
      bytes = Buffer.concat([bytes.subarray(0, start), put, bytes.subarray(start + removed)]);
    }
    return { which, bytes };
  });
}
