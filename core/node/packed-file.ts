import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { FormatError } from '../errors.ts';
import { type ColumnArray, type ColumnType, MAKE_AGAIN, throwUnlessFormat, unpackValue } from '../formats/packed.ts';
import type { Lines } from '../lines.ts';
import { FileLines } from './file-lines.ts';

/** More fields than any of our files has. */
const MOST_FIELDS = 64;
/** What tells the type and length of a value, of a number the number too. */
const LONGEST_HEAD_BYTES = 9;
const CHUNK_BYTES = 64 * 1024;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

/** Where the content of a value lies in the file: of a number its head too. */
interface Place {
  readonly kind: 'text' | 'bytes' | 'number';
  readonly position: number;
  readonly lengthBytes: number;
}

/**
 * A file that `pack` made of numbers, texts and columns alone, read piece by piece: what nobody asks for stays on the
 * disk. It is what it was when it was opened, whatever is written to its place. To be closed. Every getter throws
 * FormatError, naming the file and the field.
 */
export class PackedFile {
  readonly file: string;
  readonly #wayOut: string;
  readonly #fd: number;
  readonly #sizeBytes: number;
  readonly #places = new Map<string, Place>();

  /**
   * Throws FormatError, with `wayOut` as the person's way out, where it is no whole file of that format and version, and
   * what the file system throws.
   */
  constructor(file: string, format: string, version: number, wayOut = MAKE_AGAIN) {
    this.file = file;
    this.#wayOut = wayOut;
    this.#fd = openSync(file, 'r');
    try {
      this.#sizeBytes = fstatSync(this.#fd).size;
      this.#findFields();
      const has = (key: string) => this.#places.has(key);
      const found = {
        format: has('format') && this.#text('format'),
        version: has('version') && this.number('version'),
      };
      throwUnlessFormat(found, format, version, file, wayOut);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  has(key: string): boolean {
    return this.#places.has(key);
  }

  number(key: string): number {
    const value = unpackValue(this.#bytes(this.#place(key, 'number')));
    if (typeof value !== 'number') throw this.#broken(key, 'a number');
    return value;
  }

  /** A column of exactly `length` numbers. Where it is zero it takes no memory until it is written to. */
  column<T extends ColumnArray>(key: string, type: ColumnType<T>, length: number): T {
    const { position, lengthBytes } = this.#place(key, 'bytes');
    if (lengthBytes !== length * type.BYTES_PER_ELEMENT) throw this.#broken(key, `${length} elements of ${type.name}`);
    const bytes = new Uint8Array(lengthBytes);
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let at = 0; at < lengthBytes; at += CHUNK_BYTES) {
      const part = chunk.subarray(0, Math.min(CHUNK_BYTES, lengthBytes - at));
      this.#fill(part, position + at);
      if (!part.equals(ZEROS.subarray(0, part.length))) bytes.set(part, at);
    }
    return new type(bytes.buffer);
  }

  /** Exactly `length` lines joined by a newline, of which `starts` tells the blocks (core/lines.ts). */
  lines(key: string, length: number, starts: Uint32Array): Lines {
    const { position, lengthBytes } = this.#place(key, 'text');
    const isRising = starts.every((start, i) => (i === 0 ? start === 0 : start > (starts[i - 1] as number)));
    if (!isRising || (starts.at(-1) ?? 0) > lengthBytes) throw this.#broken(key, `blocks of ${length} lines`);
    return new FileLines({
      fd: this.#fd,
      file: this.file,
      position,
      lengthBytes,
      lines: length,
      starts,
      wayOut: this.#wayOut,
    });
  }

  /** The map's fields, by the heads of their names and values (the MessagePack specification, "Formats"). */
  #findFields(): void {
    const first = this.#head(0)[0] as number;
    const isLong = first === 0xde;
    const fields = isLong ? this.#head(0).readUInt16BE(1) : first & 0x0f;
    if ((!isLong && first >> 4 !== 0x8) || fields > MOST_FIELDS) throw this.#notWhole();
    let position = isLong ? 3 : 1;
    for (let field = 0; field < fields; field++) {
      const name = this.#placeAt(position);
      const value = this.#placeAt(name.position + name.lengthBytes);
      position = value.position + value.lengthBytes;
      if (name.kind !== 'text' || position > this.#sizeBytes) throw this.#notWhole();
      this.#places.set(this.#bytes(name).toString('utf8'), value);
    }
    if (position !== this.#sizeBytes) throw this.#notWhole();
  }

  #placeAt(position: number): Place {
    const head = this.#head(position);
    const kind = head[0] as number;
    const at = (headBytes: number, type: Place['kind'], lengthBytes: number) => ({
      kind: type,
      position: position + headBytes,
      lengthBytes,
    });
    if (kind >= 0xa0 && kind <= 0xbf) return at(1, 'text', kind & 0x1f);
    if (kind === 0xd9) return at(2, 'text', head.readUInt8(1));
    if (kind === 0xda) return at(3, 'text', head.readUInt16BE(1));
    if (kind === 0xdb) return at(5, 'text', head.readUInt32BE(1));
    if (kind === 0xc4) return at(2, 'bytes', head.readUInt8(1));
    if (kind === 0xc5) return at(3, 'bytes', head.readUInt16BE(1));
    if (kind === 0xc6) return at(5, 'bytes', head.readUInt32BE(1));
    if (kind <= 0x7f || kind >= 0xe0) return at(0, 'number', 1);
    const numberBytes = NUMBER_BYTES[kind];
    if (numberBytes === undefined) throw this.#notWhole();
    return at(0, 'number', numberBytes);
  }

  /** The bytes from there on, zeros beyond the end. */
  #head(position: number): Buffer {
    const head = Buffer.alloc(LONGEST_HEAD_BYTES);
    readSync(this.#fd, head, 0, head.length, position);
    return head;
  }

  #text(key: string): string {
    return this.#bytes(this.#place(key, 'text')).toString('utf8');
  }

  #bytes({ position, lengthBytes }: Place): Buffer {
    const bytes = Buffer.alloc(lengthBytes);
    this.#fill(bytes, position);
    return bytes;
  }

  #fill(bytes: Buffer, position: number): void {
    if (readSync(this.#fd, bytes, 0, bytes.length, position) !== bytes.length) throw this.#notWhole();
  }

  #place(key: string, kind: Place['kind']): Place {
    const place = this.#places.get(key);
    if (place === undefined || place.kind !== kind) throw this.#broken(key, `a ${kind}`);
    return place;
  }

  #notWhole(): FormatError {
    return new FormatError(`${this.file}: not a whole msgpack file; ${this.#wayOut}`);
  }

  #broken(key: string, wanted: string): FormatError {
    return new FormatError(`${this.file}: "${key}" should hold ${wanted}; ${this.#wayOut}`);
  }
}

/** With the head, by the head. */
const NUMBER_BYTES: Readonly<Record<number, number>> = {
  202: 5,
  203: 9,
  204: 2,
  205: 3,
  206: 5,
  207: 9,
  208: 2,
  209: 3,
  210: 5,
  211: 9,
};
