import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Memory } from './memory.ts';

const MEGABYTE = 2 ** 20;

function* pieces(count: number): Generator<Uint8Array> {
  for (let i = 0; i < count; i++) yield new Uint8Array(MEGABYTE).fill(i + 1);
}

/** In a function of its own, whose locals are gone. */
function leftGarbage(): WeakRef<object> {
  return new WeakRef({ bytes: new Uint8Array(MEGABYTE) });
}

test('the pieces are the same, whether memory is short or not', () => {
  const firsts = (memory: Memory) => Array.from(memory.tidied(pieces(5)), (piece) => [piece.length, piece[0]]);
  const expected = [1, 2, 3, 4, 5].map((first) => [MEGABYTE, first]);
  expect([firsts(new Memory(1000)), firsts(new Memory(1_000_000))]).toEqual([expected, expected]);
});

test('with many objects what nobody holds is gone as soon as enough were asked for', async () => {
  const memory = new Memory(1_000_000);
  const garbage = leftGarbage();
  // What a turn of the event loop has made or looked at stays to its end.
  await setImmediate();
  for (let objects = 0; objects < 32_768; objects += 1024) memory.settled(1024);
  expect(garbage.deref()).toBeUndefined();
});
