import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Keeps the memory of what comes now within bounds, by V8's settings that take effect while a program runs:
 * - the space of young objects stays as large as it is: it would double, up to 2 × 16 MB, whenever much survives;
 * - old objects are cleared away whenever they are 60 % more than last time, not only when they are four times as many;
 * - WebAssembly, which undici's parser is, stays with the code of V8's first compiler: the optimizing one takes 35 MB to
 *   make code that asks no more objects in a second.
 * `npm run bench -- pass` tells what comes of it. Answers how to let the heap grow again.
 */
export function keepHeapSmall(): () => void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=60');
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
  return () => {
    setFlagsFromString('--semi-space-growth-factor=2');
    setFlagsFromString('--heap-growing-percent=0');
    setFlagsFromString('--wasm-tier-up');
    setFlagsFromString('--wasm-dynamic-tiering');
  };
}

/**
 * Has what nobody holds any more freed now: `young` what was made lately, in about a millisecond, `all` in some tens. Left
 * to itself V8 waits until garbage outside of its own heap, such as bytes that were compressed, is 64 MB.
 */
export function collectGarbage(which: 'young' | 'all'): void {
  collect ??= exposed();
  // V8 of Node 20 takes any argument for "minor".
  if (which === 'young') collect({ type: 'minor' });
  else collect();
}

let collect: ((options?: { type: 'minor' }) => void) | undefined;

function exposed(): NonNullable<typeof collect> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as NonNullable<typeof collect>;
  setFlagsFromString('--no-expose-gc');
  return gc;
}
