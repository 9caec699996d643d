import { describe, expect, test } from 'vitest';
import { runPhases } from './phases.ts';

const MINUTE_MS = 60_000;

/** Work that ends when the test says so, and a log of what began. */
function bench(
  phases: readonly string[],
  items: readonly string[],
  limits: { concurrency: number; stragglersMs: number },
) {
  const log: string[] = [];
  const open = new Map<string, { end: () => void; fail: (error: Error) => void }>();
  const done = runPhases({
    ...limits,
    phases,
    items,
    work: (phase, item) => {
      log.push(`${phase}${item}`);
      return new Promise((resolve, reject) => open.set(`${phase}${item}`, { end: resolve, fail: reject }));
    },
  });
  const settle = async () => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  return { log, open, done, settle };
}

describe('phases', () => {
  test('are done for all items one after the other, so many at once', async () => {
    const { log, open, done, settle } = bench(['1', '2'], ['a', 'b', 'c'], { concurrency: 2, stragglersMs: MINUTE_MS });
    await settle();
    expect(log).toEqual(['1a', '1b']);
    open.get('1a')?.end();
    open.get('1b')?.end();
    await settle();
    expect(log).toEqual(['1a', '1b', '1c']);
    open.get('1c')?.end();
    await settle();
    expect(log.slice(3)).toEqual(['2a', '2b']);
    open.get('2a')?.end();
    open.get('2b')?.end();
    await settle();
    open.get('2c')?.end();
    await done;
    expect(log).toHaveLength(6);
  });

  test('do not wait for a straggler for ever, and never do two of its own at once', async () => {
    const { log, open, done, settle } = bench(['1', '2'], ['a', 'b'], { concurrency: 2, stragglersMs: 30 });
    await settle();
    open.get('1b')?.end();
    await expect.poll(() => log).toEqual(['1a', '1b', '2b']);
    open.get('2b')?.end();
    await settle();
    expect(log).toHaveLength(3);
    open.get('1a')?.end();
    await settle();
    open.get('2a')?.end();
    await done;
    expect(log).toEqual(['1a', '1b', '2b', '2a']);
  });

  test('end at the first error: what was begun is waited for, nothing more is begun', async () => {
    const { log, open, done, settle } = bench(['1', '2'], ['a', 'b', 'c'], { concurrency: 2, stragglersMs: MINUTE_MS });
    let isOver = false;
    const outcome = done
      .then(
        () => 'done',
        (error: Error) => error.message,
      )
      .finally(() => {
        isOver = true;
      });
    await settle();
    open.get('1a')?.fail(new Error('disk full'));
    await settle();
    expect(isOver).toBe(false);
    open.get('1b')?.end();
    expect(await outcome).toBe('disk full');
    expect(log).toEqual(['1a', '1b']);
  });
});
