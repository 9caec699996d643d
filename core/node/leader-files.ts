import { UsageError } from '../errors.ts';
import { decodeInventory } from '../formats/inventory-file.ts';
import { decodeMirrors } from '../formats/mirrors-file.ts';
import type { Inventory } from '../inventory.ts';
import type { MirrorList } from '../mirror.ts';
import { outputLayout } from '../output-layout.ts';
import { readFileOrNull } from './atomic-file.ts';

/** The inventory and mirror list of an output folder. Throws UsageError where `inventory` has not run yet. */
export function readLeader(output: string): { inventory: Inventory; mirrors: MirrorList } {
  return { inventory: readInventory(output), mirrors: readMirrors(output) };
}

/** Throws UsageError where `inventory` has not run yet. */
export function readInventory(output: string): Inventory {
  const file = outputLayout.inventory(output);
  const bytes = read(file);
  const inventory = decodeInventory(bytes, file);
  forget(bytes);
  return inventory;
}

/** Throws UsageError where `inventory` has not run yet. */
export function readMirrors(output: string): MirrorList {
  const file = outputLayout.mirrors(output);
  return decodeMirrors(read(file).toString('utf8'), file);
}

function read(file: string): Buffer {
  const bytes = readFileOrNull(file);
  if (bytes === null) throw new UsageError(`${file}: not there yet; run "redirector inventory" first`);
  return bytes;
}

/**
 * Has the memory of bytes that nobody needs any more freed soon: by now they have lived so long that they count as old, and
 * old objects are looked at seldom. What holds them from here on is young. Nothing can be read from `bytes` afterwards.
 */
function forget({ buffer, byteLength }: Buffer): void {
  // Small ones share their memory with others.
  const isAlone = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  if (isAlone) structuredClone(buffer, { transfer: [buffer] });
}
