import { crc32, deflateRawSync } from 'node:zlib';

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_RECORD = 0x06054b50;
const VERSION_DEFLATE = 20;
const METHOD_DEFLATE = 8;
/** 1980-01-01: equal files make equal archives. */
const DOS_DATE = 0x21;
/** The upper half is Unix' mode: `-rw-r--r--`. */
const UNIX = 3 << 8;
const MODE_FILE = (0o100644 << 16) >>> 0;

/** A zip archive (APPNOTE.TXT 4.3) of a few small files with plain ASCII names. */
export function zipOf(files: Readonly<Record<string, string>>): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const content = Buffer.from(text);
    const packed = deflateRawSync(content, { level: 9 });
    const sizes = { crc: crc32(content), packed: packed.length, size: content.length };
    const local = Buffer.concat([localHeader(name, sizes), packed]);
    locals.push(local);
    centrals.push(centralHeader(name, sizes, offset));
    offset += local.length;
  }
  const central = Buffer.concat(centrals);
  return Buffer.concat([...locals, central, endRecord(centrals.length, central.length, offset)]);
}

interface Sizes {
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
}

/** What both headers have in common, from the version needed on. */
function common(name: string, { crc, packed, size }: Sizes): Buffer {
  const bytes = Buffer.alloc(26);
  bytes.writeUInt16LE(VERSION_DEFLATE, 0);
  bytes.writeUInt16LE(METHOD_DEFLATE, 4);
  bytes.writeUInt16LE(DOS_DATE, 8);
  bytes.writeUInt32LE(crc, 10);
  bytes.writeUInt32LE(packed, 14);
  bytes.writeUInt32LE(size, 18);
  bytes.writeUInt16LE(name.length, 22);
  return bytes;
}

function localHeader(name: string, sizes: Sizes): Buffer {
  const signature = Buffer.alloc(4);
  signature.writeUInt32LE(LOCAL_HEADER);
  return Buffer.concat([signature, common(name, sizes), Buffer.from(name)]);
}

function centralHeader(name: string, sizes: Sizes, offset: number): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt32LE(CENTRAL_HEADER);
  head.writeUInt16LE(UNIX | VERSION_DEFLATE, 4);
  const tail = Buffer.alloc(14);
  tail.writeUInt32LE(MODE_FILE, 6);
  tail.writeUInt32LE(offset, 10);
  return Buffer.concat([head, common(name, sizes), tail, Buffer.from(name)]);
}

function endRecord(count: number, centralBytes: number, centralOffset: number): Buffer {
  const bytes = Buffer.alloc(22);
  bytes.writeUInt32LE(END_RECORD);
  bytes.writeUInt16LE(count, 8);
  bytes.writeUInt16LE(count, 10);
  bytes.writeUInt32LE(centralBytes, 12);
  bytes.writeUInt32LE(centralOffset, 16);
  return bytes;
}
