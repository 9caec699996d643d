import { existsSync } from 'node:fs';
import { UsageError } from '../errors.ts';
import { decodeInventory } from '../formats/inventory-file.ts';
import { decodeMirrors } from '../formats/mirrors-file.ts';
import type { Inventory, LoadedInventory } from '../inventory.ts';
import type { MirrorList } from '../mirror.ts';
import { outputLayout } from '../output-layout.ts';
import { readFileOrNull } from './atomic-file.ts';
import { OpenedInventory } from './opened-inventory.ts';

/** The inventory and mirror list of an output folder. Throws UsageError where `inventory` has not run yet. */
export function readLeader(output: string): { inventory: LoadedInventory; mirrors: MirrorList } {
  return { inventory: readInventory(output), mirrors: readMirrors(output) };
}

/** Throws UsageError where `inventory` has not run yet. */
export function readInventory(output: string): LoadedInventory {
  const file = outputLayout.inventory(output);
  const bytes = read(file);
  const inventory = decodeInventory(bytes, file);
  forget(bytes);
  return inventory;
}

/**
 * The inventory for those who want a part of it at a time. `close` ends what can be read of it. Throws UsageError where
 * `inventory` has not run yet.
 */
export function openInventory(output: string): { readonly inventory: Inventory; close(): void } {
  const file = outputLayout.inventory(output);
  if (!existsSync(file)) throw notYet(file);
  const opened = OpenedInventory.open(file);
  if (opened === null) return { inventory: readInventory(output), close: () => {} };
  return { inventory: opened, close: () => opened.close() };
}

/** Throws UsageError where `inventory` has not run yet. */
export function readMirrors(output: string): MirrorList {
  const file = outputLayout.mirrors(output);
  return decodeMirrors(read(file).toString('utf8'), file);
}

function read(file: string): Buffer {
  const bytes = readFileOrNull(file);
  if (bytes === null) throw notYet(file);
  return bytes;
}

function notYet(file: string): UsageError {
  return new UsageError(`${file}: not there yet; run "redirector inventory" first`);
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
