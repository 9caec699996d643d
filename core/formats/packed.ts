import { gunzipSync, gzipSync } from 'node:zlib';
import { clearSource, Packr } from 'msgpackr';
import { FormatError } from '../errors.ts';

// Plain msgpack that any reader understands: no records extension, and map sizes beyond 65,535 (msgpackr's manual).
const packr = new Packr({ useRecords: false, variableMapSize: true, moreTypes: false });

const NIL = Buffer.of(0xc0);

/** A column of numbers as it lies in a file: little-endian bytes (all machines Node runs on are little-endian). */
export type ColumnArray = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

/** The constructor of such a column, over bytes that are aligned for it. */
export interface ColumnType<T extends ColumnArray> {
  new (buffer: ArrayBuffer, byteOffset?: number, length?: number): T;
  readonly BYTES_PER_ELEMENT: number;
  readonly name: string;
}

export function columnBytes(column: ColumnArray): Buffer {
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength);
}

/** For all that is no column: names, counts and the like. */
const ROOM_BYTES = 64 * 1024;

/** Packs a map whose first keys say what it is. Columns are to be given as `columnBytes`. */
export function pack(format: string, version: number, body: Record<string, unknown>): Buffer {
  let columnsBytes = 0;
  for (const value of Object.values(body)) if (value instanceof Uint8Array) columnsBytes += value.byteLength;
  // Left to itself msgpackr makes room as it goes, each time four times as much, and copies what it has.
  packr.useBuffer(Buffer.allocUnsafeSlow(columnsBytes + ROOM_BYTES));
  const bytes = packr.pack({ format, version, ...body });
  // Else it holds on to the last file's.
  packr.useBuffer(Buffer.allocUnsafeSlow(ROOM_BYTES));
  return bytes;
}

/** As `pack`, compressed with gzip at its fastest level: columns of equal numbers shrink to almost nothing. */
export function packCompressed(format: string, version: number, body: Record<string, unknown>): Buffer {
  return gzipSync(pack(format, version, body), { level: 1 });
}

/** Throws FormatError where a file is of another format or version. */
export function throwUnlessFormat(
  found: { readonly format?: unknown; readonly version?: unknown },
  format: string,
  version: number,
  file: string,
): void {
  if (found.format !== format) throw new FormatError(`${file}: not a ${format} file; make it again`);
  if (found.version === version) return;
  throw new FormatError(
    `${file}: version ${JSON.stringify(found.version)} of ${format}, this program reads version ${version}; make it again`,
  );
}

/** Unpacks a single value, such as a number. */
export function unpackValue(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}

/**
 * A column as it lies in a file that keeps each of its columns compressed, so that no two of them need be in memory as bytes;
 * empty where all of it is zero, so that it takes none at all until it is written to.
 */
export function compressedColumn(column: ColumnArray): Buffer {
  if (column.every((value: number) => value === 0)) return Buffer.alloc(0);
  return gzipSync(columnBytes(column), { level: 1 });
}

/** Strict access to an unpacked file. Every getter throws FormatError, naming the file and the field. */
export class PackedReader {
  readonly file: string;
  readonly version: number;
  readonly #body: Record<string, unknown>;

  /** `versions` are those that are read, the one that is written first. */
  constructor(bytes: Uint8Array, format: string, versions: number | readonly number[], file: string) {
    this.file = file;
    let body: unknown;
    try {
      const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
      body = packr.unpack(plain);
      // Else msgpackr holds on to the bytes until the next unpacking, and to a view of them even then.
      clearSource();
      packr.unpack(NIL);
    } catch (error) {
      throw new FormatError(`${file}: not a whole msgpack file (${(error as Error).message}); make it again`);
    }
    const found = typeof body === 'object' && body !== null ? (body as { format?: unknown; version?: unknown }) : {};
    const [written, ...older] = typeof versions === 'number' ? [versions] : versions;
    this.version = older.find((version) => version === found.version) ?? (written as number);
    throwUnlessFormat(found, format, this.version, file);
    this.#body = body as Record<string, unknown>;
  }

  has(key: string): boolean {
    return key in this.#body;
  }

  number(key: string): number {
    const value = this.#body[key];
    if (typeof value !== 'number') throw this.#broken(key, 'a number');
    return value;
  }

  string(key: string): string {
    const value = this.#body[key];
    if (typeof value !== 'string') throw this.#broken(key, 'a string');
    return value;
  }

  strings(key: string): string[] {
    const value = this.#body[key];
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw this.#broken(key, 'strings');
    return value;
  }

  /** A nested plain value whose shape the caller's own writer guarantees. */
  value<T>(key: string): T {
    const value = this.#body[key];
    if (typeof value !== 'object' || value === null) throw this.#broken(key, 'a map or an array');
    return value as T;
  }

  /** As `value`; null where there is none. */
  valueOrNull<T>(key: string): T | null {
    return this.#body[key] == null ? null : this.value(key);
  }

  /** A column of exactly `length` numbers (any length where it is undefined). */
  column<T extends ColumnArray>(key: string, type: ColumnType<T>, length?: number): T {
    // A copy: the bytes may start at any offset, a typed array must not. (A Buffer's own slice() would be no copy.)
    return this.#columnOf(new Uint8Array(this.#bytes(key)), key, type, length);
  }

  /** As `column`, of one that `compressedColumn` made. */
  compressedColumn<T extends ColumnArray>(key: string, type: ColumnType<T>, length: number): T {
    const compressed = this.#bytes(key);
    const lengthBytes = length * type.BYTES_PER_ELEMENT;
    if (compressed.length === 0) return new type(new ArrayBuffer(lengthBytes));
    try {
      // In one piece: the end is seen before a second one is wanted.
      const chunkSize = lengthBytes + 64;
      const bytes = gunzipSync(compressed, { chunkSize, maxOutputLength: chunkSize });
      const isAligned = bytes.byteOffset % type.BYTES_PER_ELEMENT === 0;
      return this.#columnOf(isAligned ? bytes : new Uint8Array(bytes), key, type, length);
    } catch (error) {
      if (error instanceof FormatError) throw error;
      throw this.#broken(key, `${length} elements, compressed`);
    }
  }

  #bytes(key: string): Uint8Array {
    const value = this.#body[key];
    if (!(value instanceof Uint8Array)) throw this.#broken(key, 'bytes');
    return value;
  }

  #columnOf<T extends ColumnArray>(bytes: Uint8Array, key: string, type: ColumnType<T>, length?: number): T {
    const { buffer, byteOffset, byteLength } = bytes;
    if (byteLength % type.BYTES_PER_ELEMENT !== 0) throw this.#broken(key, `whole ${type.name} elements`);
    const count = byteLength / type.BYTES_PER_ELEMENT;
    if (length !== undefined && count !== length) throw this.#broken(key, `${length} elements, found ${count}`);
    return new type(buffer as ArrayBuffer, byteOffset, count);
  }

  /** Lines joined by a newline, exactly `length` of them (any number where it is undefined). */
  lines(key: string, length?: number): string[] {
    const text = this.string(key);
    const lines = text === '' && length !== 1 ? [] : text.split('\n');
    if (length !== undefined && lines.length !== length)
      throw this.#broken(key, `${length} lines, found ${lines.length}`);
    return lines;
  }

  #broken(key: string, wanted: string): FormatError {
    return new FormatError(`${this.file}: "${key}" should hold ${wanted}; make the file again`);
  }
}
