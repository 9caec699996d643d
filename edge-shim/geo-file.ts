import { type CountryResponse, Reader } from 'mmdb-lib';
import { FormatError, messageOf, quoted } from '../core/errors.ts';
import type { Locate } from './http-event.ts';

/** As far as it is used of a GeoIP2 or DB-IP record: https://dev.maxmind.com/geoip/docs/databases/city-and-country */
interface Found {
  readonly country?: { readonly iso_code?: unknown };
  readonly subdivisions?: readonly { readonly iso_code?: unknown }[];
}

const SEPARATOR_BYTES = 16;
const SEPARATOR = Buffer.alloc(SEPARATOR_BYTES);
const MOST_CACHED = 20_000;

/**
 * Tells from a GeoIP file (MaxMind DB 2.0, of countries or cities) where an address is. Throws FormatError where the
 * file is none, or one of something else; `file` is named in its message.
 */
export function readGeo(bytes: Buffer, file: string): Locate {
  const reader = readerOf(bytes, file);
  const { ipVersion } = reader.metadata;
  return (ip) => {
    const found = ipVersion === 4 && ip.includes(':') ? null : recordOf(reader, ip);
    return { country: codeOf(found?.country?.iso_code), subdivision: codeOf(found?.subdivisions?.[0]?.iso_code) };
  };
}

function readerOf(bytes: Buffer, file: string): Reader<CountryResponse> {
  let reader: Reader<CountryResponse>;
  try {
    reader = new Reader(bytes, { cache: boundedCache() });
  } catch (error) {
    throw new FormatError(`${file}: not a GeoIP file (${messageOf(error)})`);
  }
  const { binaryFormatMajorVersion, databaseType, searchTreeSize } = reader.metadata;
  const separator = bytes.subarray(searchTreeSize, searchTreeSize + SEPARATOR_BYTES);
  if (binaryFormatMajorVersion !== 2 || !separator.equals(SEPARATOR)) {
    throw new FormatError(`${file}: not a GeoIP file of format 2, or a torn one`);
  }
  if (!/country|city|enterprise/i.test(databaseType)) {
    throw new FormatError(`${file}: is ${quoted(String(databaseType))}; a file of countries or cities is needed`);
  }
  return reader;
}

/** Records are decoded again and again otherwise: every name in eight languages. */
function boundedCache<K, V>() {
  const known = new Map<K, V>();
  return {
    get: (key: K) => known.get(key),
    set(key: K, value: V) {
      if (known.size >= MOST_CACHED) known.clear();
      known.set(key, value);
    },
  };
}

/** A torn file, or what is no address, tells nothing. */
function recordOf(reader: Reader<CountryResponse>, ip: string): Found | null {
  try {
    return reader.get(ip);
  } catch {
    return null;
  }
}

function codeOf(code: unknown): string {
  return typeof code === 'string' ? code : '';
}
