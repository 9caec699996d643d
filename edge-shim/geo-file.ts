import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { messageOf, UsageError } from '../core/errors.ts';
import type { Locate } from './http-event.ts';

/** As far as it is used of a GeoIP2 or DB-IP record: https://dev.maxmind.com/geoip/docs/databases/city-and-country */
interface Record {
  readonly country?: { readonly iso_code?: string };
  readonly subdivisions?: readonly { readonly iso_code?: string }[];
}

interface ReaderModule {
  readonly Reader: new (bytes: Buffer) => { get(ip: string): Record | null };
}

/**
 * Tells from a GeoIP file (`.mmdb`, countries or cities) where an address is. Throws UsageError where the file is none,
 * or the package mmdb-lib, which is not among the dependencies, is not installed.
 */
export function openGeoFile(file: string, load: () => ReaderModule = requireReader): Locate {
  let Reader: ReaderModule['Reader'];
  try {
    ({ Reader } = load());
  } catch {
    throw new UsageError(`${file}: reading it needs the package mmdb-lib; run "npm install mmdb-lib"`);
  }
  try {
    const reader = new Reader(readFileSync(file));
    return (ip) => {
      const found = recordOf(reader, ip);
      return { country: found?.country?.iso_code ?? '', subdivision: found?.subdivisions?.[0]?.iso_code ?? '' };
    };
  } catch (error) {
    throw new UsageError(`${file}: not a GeoIP file (${messageOf(error)})`);
  }
}

function recordOf(reader: InstanceType<ReaderModule['Reader']>, ip: string): Record | null {
  try {
    return reader.get(ip);
  } catch {
    return null;
  }
}

function requireReader(): ReaderModule {
  return createRequire(import.meta.url)('mmdb-lib') as ReaderModule;
}
