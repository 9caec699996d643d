import { gunzipSync, gzipSync } from 'node:zlib';
import { clearSource, Packr } from 'msgpackr';
import { FormatError, RunError } from '../errors.ts';

// Plain msgpack that any reader understands: no records extension, and map sizes beyond 65,535 (msgpackr's manual).
const packr = new Packr({ useRecords: false, variableMapSize: true, moreTypes: false });

const NIL = Buffer.of(0xc0);

/** A column of numbers as it lies in a file: little-endian bytes (all machines Node runs on are little-endian). */
export type ColumnArray = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

/** The constructor of such a column, over bytes that are aligned for it. */
export interface ColumnType<T extends ColumnArray> {
  new (buffer: ArrayBuffer): T;
  readonly BYTES_PER_ELEMENT: number;
  readonly name: string;
}

export function columnBytes(column: ColumnArray): Buffer {
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength);
}

/** Of these and longer texts msgpackr would make a copy. */
const LONG_TEXT = 1024;

/** Packs a map whose first keys say what it is. Columns are to be given as `columnBytes`. */
export function pack(format: string, version: number, body: Record<string, unknown>): Buffer {
  return Buffer.concat([...packPieces(format, version, body)]);
}

/**
 * As `pack`, piece by piece, for what is written as it comes. (The MessagePack specification, "Formats": map 16, array
 * 32, bin 32, str 32.)
 */
export function* packPieces(
  format: string,
  version: number,
  body: Readonly<Record<string, unknown>>,
): Generator<Uint8Array, void> {
  const fields: [string, unknown][] = Object.entries({ format, version, ...body });
  yield Buffer.of(0xde, fields.length >> 8, fields.length & 0xff);
  for (const [key, value] of fields) {
    yield packr.pack(key);
    if (value instanceof CompressedColumn) {
      yield longHead(0xdd, value.count);
      for (const part of value.parts()) yield* [longHead(0xc6, part.length), part];
    } else if (value instanceof Uint8Array) yield* [longHead(0xc6, value.length), value];
    else if (typeof value === 'string' && value.length >= LONG_TEXT) {
      const bytes = Buffer.from(value);
      yield* [longHead(0xdb, bytes.length), bytes];
    } else yield packr.pack(value);
  }
}

function longHead(type: number, length: number): Buffer {
  const head = Buffer.of(type, 0, 0, 0, 0);
  head.writeUInt32BE(length, 1);
  return head;
}

/** As `pack`, compressed with gzip at its fastest level: columns of equal numbers shrink to almost nothing. */
export function packCompressed(format: string, version: number, body: Record<string, unknown>): Buffer {
  return gzipSync(pack(format, version, body), { level: 1 });
}

/** What is to be done with most files that are torn. */
export const MAKE_AGAIN = 'make it again';

/** Throws FormatError where a file is of another format or an older version, RunError where a newer release wrote it. */
export function throwUnlessFormat(
  found: { readonly format?: unknown; readonly version?: unknown },
  format: string,
  version: number,
  file: string,
  wayOut = MAKE_AGAIN,
): void {
  if (found.format !== format) throw new FormatError(`${file}: not a ${format} file; ${wayOut}`);
  if (found.version === version) return;
  if (typeof found.version === 'number' && found.version > version) {
    throw new RunError(
      `${file}: version ${found.version} of ${format}, which a newer release wrote; this one reads version ${version}: update it here; nothing was changed`,
    );
  }
  throw new FormatError(
    `${file}: version ${JSON.stringify(found.version)} of ${format}, this program reads version ${version}; ${wayOut}`,
  );
}

/** Unpacks a single value, such as a number. */
export function unpackValue(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}

const PART_ELEMENTS = 65_536;
/** As long as the longest part. */
const ZEROS = Buffer.alloc(PART_ELEMENTS * Float64Array.BYTES_PER_ELEMENT);

/**
 * A column as it lies in a file whose columns are compressed: in parts of 65,536 elements, so that no column is in memory
 * twice. A part of zeros alone is empty; read again it takes no memory until it is written to.
 */
export class CompressedColumn {
  readonly count: number;
  readonly #bytes: Buffer;
  readonly #partBytes: number;

  constructor(column: ColumnArray) {
    this.count = Math.ceil(column.length / PART_ELEMENTS);
    this.#bytes = columnBytes(column);
    this.#partBytes = PART_ELEMENTS * column.BYTES_PER_ELEMENT;
  }

  *parts(): Generator<Uint8Array, void> {
    for (let at = 0; at < this.#bytes.length; at += this.#partBytes) {
      const part = this.#bytes.subarray(at, at + this.#partBytes);
      yield part.equals(ZEROS.subarray(0, part.length)) ? Buffer.alloc(0) : gzipSync(part, { level: 1 });
    }
  }
}

/** Answers whether the part is what it should be. */
function putPart(part: unknown, place: Uint8Array): boolean {
  if (!(part instanceof Uint8Array)) return false;
  if (part.length === 0) return true;
  try {
    const bytes = gunzipSync(part, { maxOutputLength: place.length });
    if (bytes.length !== place.length) return false;
    place.set(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Strict access to an unpacked file. Every getter throws FormatError, naming the file and the field. */
export class PackedReader {
  readonly file: string;
  readonly version: number;
  readonly #wayOut: string;
  readonly #body: Record<string, unknown>;

  /** `versions` are those that are read, the one that is written first; `wayOut` says what to do with a file that is torn. */
  constructor(
    bytes: Uint8Array,
    format: string,
    versions: number | readonly number[],
    file: string,
    wayOut = MAKE_AGAIN,
  ) {
    this.file = file;
    this.#wayOut = wayOut;
    let body: unknown;
    try {
      const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
      body = packr.unpack(plain);
      // Else msgpackr holds on to the bytes until the next unpacking, and to a view of them even then.
      clearSource();
      packr.unpack(NIL);
    } catch (error) {
      throw new FormatError(`${file}: not a whole msgpack file (${(error as Error).message}); ${wayOut}`);
    }
    const found = typeof body === 'object' && body !== null ? (body as { format?: unknown; version?: unknown }) : {};
    const [written, ...older] = typeof versions === 'number' ? [versions] : versions;
    this.version = older.find((version) => version === found.version) ?? (written as number);
    throwUnlessFormat(found, format, this.version, file, wayOut);
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
    const value = this.#bytes(key);
    if (value.byteLength % type.BYTES_PER_ELEMENT !== 0) throw this.#broken(key, `whole ${type.name} elements`);
    const count = value.byteLength / type.BYTES_PER_ELEMENT;
    if (length !== undefined && count !== length) throw this.#broken(key, `${length} elements, found ${count}`);
    // A copy: the bytes may start at any offset, a typed array must not. (A Buffer's own slice() would be no copy.)
    return new type(new Uint8Array(value).buffer);
  }

  /** A `CompressedColumn` of `length` numbers. */
  compressedColumn<T extends ColumnArray>(key: string, type: ColumnType<T>, length: number): T {
    const bytes = new Uint8Array(length * type.BYTES_PER_ELEMENT);
    const partBytes = PART_ELEMENTS * type.BYTES_PER_ELEMENT;
    const parts = this.#body[key];
    const isWhole = Array.isArray(parts) && parts.length === Math.ceil(bytes.length / partBytes);
    if (!isWhole || !parts.every((part, i) => putPart(part, bytes.subarray(i * partBytes, (i + 1) * partBytes)))) {
      throw this.#broken(key, `${length} elements, compressed`);
    }
    return new type(bytes.buffer);
  }

  #bytes(key: string): Uint8Array {
    const value = this.#body[key];
    if (!(value instanceof Uint8Array)) throw this.#broken(key, 'bytes');
    return value;
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
    return new FormatError(`${this.file}: "${key}" should hold ${wanted}; ${this.#wayOut}`);
  }
}
