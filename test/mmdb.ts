/** A value of a MaxMind DB, as far as GeoIP files need them. */
export type MmdbValue = string | number | readonly MmdbValue[] | { readonly [key: string]: MmdbValue };

export interface MmdbOptions {
  /** Default: `Test-City`. */
  readonly databaseType?: string;
  /** 4: of IPv4 addresses alone. Default: 6, with IPv4 addresses below `::/96`. */
  readonly ipVersion?: 4 | 6;
}

type Node = [Node | number | null, Node | number | null];

const SEPARATOR = Buffer.alloc(16);
const METADATA_MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
const TYPE = { string: 2, uint16: 5, uint32: 6, map: 7, uint64: 9, array: 11 } as const;

/**
 * A MaxMind DB 2.0 with 24-bit records: https://maxmind.github.io/MaxMind-DB/. Networks are `192.0.2.0/24` or
 * `2001:db8::/32`; none may lie within another.
 */
export function mmdbOf(networks: Readonly<Record<string, MmdbValue>>, options: MmdbOptions = {}): Buffer {
  const { databaseType = 'Test-City', ipVersion = 6 } = options;
  const root: Node = [null, null];
  const data: Buffer[] = [];
  let dataBytes = 0;
  for (const [network, value] of Object.entries(networks)) {
    insert(root, bitsOf(network, ipVersion), dataBytes);
    const encoded = encode(value);
    data.push(encoded);
    dataBytes += encoded.length;
  }
  const nodes = numbered(root);
  const numberOf = new Map(nodes.map((node, number) => [node, number]));
  const tree = Buffer.alloc(nodes.length * 6);
  for (const [number, node] of nodes.entries()) {
    for (const [side, child] of node.entries()) {
      const record =
        child === null
          ? nodes.length
          : typeof child === 'number'
            ? nodes.length + SEPARATOR.length + child
            : (numberOf.get(child) as number);
      tree.writeUIntBE(record, number * 6 + side * 3, 3);
    }
  }
  const metadata = encodeMap({
    binary_format_major_version: sized(TYPE.uint16, 2),
    binary_format_minor_version: sized(TYPE.uint16, 0),
    build_epoch: sized(TYPE.uint64, 1_780_000_000),
    database_type: encode(databaseType),
    description: encode({ en: 'test' }),
    ip_version: sized(TYPE.uint16, ipVersion),
    languages: encode(['en']),
    node_count: encode(nodes.length),
    record_size: sized(TYPE.uint16, 24),
  });
  return Buffer.concat([tree, SEPARATOR, ...data, METADATA_MARKER, metadata]);
}

function insert(root: Node, bits: readonly number[], offset: number): void {
  let node = root;
  for (const bit of bits.slice(0, -1)) {
    const next = node[bit] as Node | null;
    const child: Node = next ?? [null, null];
    node[bit] = child;
    node = child;
  }
  node[bits.at(-1) as number] = offset;
}

function numbered(root: Node): Node[] {
  const nodes = [root];
  for (const node of nodes) for (const child of node) if (Array.isArray(child)) nodes.push(child);
  return nodes;
}

/** The bits of a network's prefix, as the tree is walked. */
function bitsOf(network: string, ipVersion: 4 | 6): number[] {
  const [address = '', length = ''] = network.split('/');
  const isIpv6 = address.includes(':');
  const [radix, width] = isIpv6 ? [16, 16] : [10, 8];
  const groups = isIpv6 ? ipv6Groups(address) : address.split('.');
  const bits = groups.flatMap((group) =>
    [...Number.parseInt(group, radix).toString(2).padStart(width, '0')].map(Number),
  );
  const prefix = bits.slice(0, Number(length));
  return !isIpv6 && ipVersion === 6 ? [...new Array<number>(96).fill(0), ...prefix] : prefix;
}

function ipv6Groups(address: string): string[] {
  const [left = [], right = []] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  return [...left, ...new Array<string>(8 - left.length - right.length).fill('0'), ...right];
}

function encode(value: MmdbValue): Buffer {
  if (typeof value === 'string')
    return Buffer.concat([control(TYPE.string, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === 'number') return sized(TYPE.uint32, value);
  if (Array.isArray(value)) return Buffer.concat([control(TYPE.array, value.length), ...value.map(encode)]);
  return encodeMap(Object.fromEntries(Object.entries(value).map(([key, one]) => [key, encode(one)])));
}

function encodeMap(entries: Readonly<Record<string, Buffer>>): Buffer {
  const pairs = Object.entries(entries).flatMap(([key, value]) => [encode(key), value]);
  return Buffer.concat([control(TYPE.map, pairs.length / 2), ...pairs]);
}

function sized(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return Buffer.concat([control(type, 4), bytes]);
}

/** Payloads here are under 29 bytes, or strings and maps of as few entries. */
function control(type: number, size: number): Buffer {
  return type < 8 ? Buffer.from([(type << 5) | size]) : Buffer.from([size, type - 7]);
}

/** What a GeoIP file of cities says of a network. */
export function geoPlace(country: string, subdivision?: string): MmdbValue {
  return {
    country: { iso_code: country, names: { en: 'somewhere' } },
    ...(subdivision === undefined ? {} : { subdivisions: [{ iso_code: subdivision }] }),
  };
}
