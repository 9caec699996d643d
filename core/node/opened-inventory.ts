import { INVENTORY_FORMAT, INVENTORY_VERSION, INVENTORY_WAY_OUT } from '../formats/inventory-file.ts';
import type { ColumnArray } from '../formats/packed.ts';
import type { Inventory } from '../inventory.ts';
import { LINES_IN_BLOCK, type Lines } from '../lines.ts';
import { PackedFile } from './packed-file.ts';

/**
 * An inventory on the disk: its texts are read in blocks as they are asked for, and the times of objects, which planning
 * alone asks for, may be forgotten and read again. Of the file that lay there when it was opened. To be closed.
 */
export class OpenedInventory implements Inventory {
  readonly takenAtMs: number;
  readonly paths: Lines;
  readonly types: Uint8Array;
  readonly sizeBytes: Float64Array;
  readonly targets: Lines;
  readonly leadsTo: Int32Array;
  readonly removedAtS: Uint32Array;
  readonly #file: PackedFile;
  readonly #mtimeS: () => Float64Array;
  readonly #firstSeenS: () => Uint32Array;

  /** Null where the file was written by a release that did not tell where its blocks begin. Throws as `PackedFile` does. */
  static open(path: string): OpenedInventory | null {
    const file = new PackedFile(path, INVENTORY_FORMAT, INVENTORY_VERSION, INVENTORY_WAY_OUT);
    try {
      if (file.has('pathStarts')) return new OpenedInventory(file);
    } catch (error) {
      file.close();
      throw error;
    }
    file.close();
    return null;
  }

  private constructor(file: PackedFile) {
    const count = file.number('count');
    const blocks = Math.ceil(count / LINES_IN_BLOCK);
    const lines = (key: string, starts: string) => file.lines(key, count, file.column(starts, Uint32Array, blocks));
    this.#file = file;
    this.takenAtMs = file.number('takenAtMs');
    this.paths = lines('paths', 'pathStarts');
    this.types = file.column('types', Uint8Array, count);
    this.sizeBytes = file.column('sizeBytes', Float64Array, count);
    this.targets = lines('targets', 'targetStarts');
    this.leadsTo = file.column('leadsTo', Int32Array, count);
    this.removedAtS = file.column('removedAtS', Uint32Array, count);
    this.#mtimeS = forgettable(() => file.column('mtimeS', Float64Array, count));
    this.#firstSeenS = forgettable(() => file.column('firstSeenS', Uint32Array, count));
  }

  get mtimeS(): Float64Array {
    return this.#mtimeS();
  }

  get firstSeenS(): Uint32Array {
    return this.#firstSeenS();
  }

  close(): void {
    this.#file.close();
  }
}

function forgettable<T extends ColumnArray>(read: () => T): () => T {
  let held: WeakRef<T> | undefined;
  return () => {
    const known = held?.deref();
    if (known !== undefined) return known;
    const column = read();
    held = new WeakRef(column);
    return column;
  };
}
