import { expect, test } from 'vitest';
import type { Inventory } from '../core/inventory.ts';
import { Outcome } from '../core/observations.ts';
import { keep } from '../test/keep.ts';
import { harness, mirror } from './testing/check.ts';
import { type ScriptedFtp, startScriptedFtp } from './testing/ftp-server.ts';
import { type TestObject, testInventory } from './testing/inventory.ts';

const START_MS = Date.UTC(2026, 6, 1, 6);
const MINUTE_MS = 60_000;
const at = (nowMs: number) => ({ nowMs: () => nowMs });

const DIRECTORIES = Array.from({ length: 21 }, (_, i) => `d${i}`);
const LISTED = 'type=cdir; .\r\n';

/** The root, 21 directories with a file each, and more at the end. */
function tree(...more: readonly TestObject[]): Inventory {
  const below = DIRECTORIES.flatMap((name) => [{ path: name }, { path: `${name}/f`, sizeBytes: 5 }]);
  const inventory = testInventory([{ path: '' }, ...below, ...more]);
  inventory.firstSeenS.fill(START_MS / 1000);
  return inventory;
}

/** A server of that tree; `extra` is what else is in `d3`. */
async function serve(extra = ''): Promise<ScriptedFtp> {
  let directory = '/';
  return keep(
    await startScriptedFtp((talk, command, argument) => {
      if (command === 'CWD') directory = argument;
      if (command !== 'MLSD') return false;
      const root = DIRECTORIES.map((name) => `type=dir; ${name}\r\n`).join('');
      const inside = `type=file;size=5; f\r\n${directory === '/d3' ? extra : ''}`;
      void talk.list(LISTED + (directory === '/' ? root : inside));
      return true;
    }),
  );
}

const listings = (server: ScriptedFtp) => server.commands.filter((line) => line === 'MLSD').length;

test('a new object costs an ftp server the listings of its directories alone', async () => {
  const server = await serve('type=file;size=6; new\r\n');
  const check = harness(tree(), [mirror('m', server.url)], { timeoutMs: 5000, ...at(START_MS) });
  await check.run();
  expect(listings(server)).toBe(22);
  const inventory = tree({ path: 'd3/new', sizeBytes: 6 });
  await check.run({ inventory, ...at(START_MS + MINUTE_MS) });
  expect(listings(server)).toBe(24);
  expect(check.read('m.ftp').outcome[43]).toBe(Outcome.present);
});
