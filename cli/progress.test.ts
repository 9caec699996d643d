import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { progressFor } from './progress.ts';

/** A terminal of so many columns, and what was written to it. */
function terminal(columns: number) {
  const stream = Object.assign(new PassThrough(), {
    ...{ isTTY: true, columns, cursorTo: () => true, moveCursor: () => true },
    ...{ clearLine: () => true, clearScreenDown: () => true },
  }) as unknown as NodeJS.WriteStream & PassThrough;
  return { stream, written: () => String(stream.read() ?? '') };
}

it.each([
  [60, /check +50% · 500\/1,000 · \d+ s left/],
  [120, /check +[^ ]+ 50% · 500\/1,000 objects · [\d,]+\/s · \d+ s left/],
])('shows on %i columns what has room there', async (columns, shown) => {
  const { stream, written } = terminal(columns);
  const progress = progressFor(false, stream);
  const task = progress.start('check', 1000, 'objects');
  task.advance(500);
  progress.note('a note');
  progress.stop();
  expect(written()).toMatch(shown);
});
