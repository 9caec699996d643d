import { DURATIONS } from './quotas.ts';
import type { EmulatedStore, KeyChange } from './store.ts';

/** A number from 0 to below 1 that depends on nothing but the text (FNV-1a, then mixed as murmur3 ends). */
export function lot(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

/** When an edge has what was published at a time: within a minute, each edge and each thing at its own time. */
export function arrivalMs(edge: string, what: string, atMs: number): number {
  return atMs + lot(`${edge} ${what} ${atMs}`) * DURATIONS.propagationMs;
}

/**
 * What an edge finds under a key at a time: the last change that has arrived there. One key in four is, while a newer
 * value arrives, for a moment not there at all, as was measured on the real service.
 */
export function valueAt(store: EmulatedStore, edge: string, key: string, nowMs: number): string | undefined {
  const changes = store.history.get(key) ?? [];
  let found: KeyChange | null = null;
  for (const change of changes) {
    const arrivesAtMs = arrivalMs(edge, key, change.atMs);
    if (arrivesAtMs <= nowMs) found = change;
    else if (arrivesAtMs - nowMs < DURATIONS.missingMs && lot(`${edge} ${key} ${change.atMs} missing`) < 0.25)
      return undefined;
  }
  return found?.value ?? undefined;
}
