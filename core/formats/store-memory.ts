/** `output/store.json` (docs/formats.md): what a store was last known to hold. It only spares work. */
export interface StoreMemory {
  readonly version: 1;
  /** Which store. */
  readonly store: string;
  /** SHA-256, in base64, by path. */
  readonly digests: Readonly<Record<string, string>>;
}

export function encodeStoreMemory(memory: StoreMemory): string {
  return `${JSON.stringify(memory)}\n`;
}

/** Null where the text is none of this version: then nothing is known. */
export function decodeStoreMemory(text: string): StoreMemory | null {
  try {
    const memory: Partial<StoreMemory> | null = JSON.parse(text);
    const isMemory = memory?.version === 1 && typeof memory.store === 'string' && typeof memory.digests === 'object';
    return isMemory && memory.digests !== null ? (memory as StoreMemory) : null;
  } catch {
    return null;
  }
}
