import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EdgeServerOptions } from '../edge-shim/server.ts';
import { FALLBACK } from './small-build.ts';

/** Over keys in their import form, which are written into `folder`; behind a proxy on this machine. */
export function edgeServerOptions(
  folder: string,
  keys: string,
  over: Partial<EdgeServerOptions> = {},
): EdgeServerOptions {
  const keysFile = join(folder, 'kvs.json');
  writeFileSync(keysFile, keys);
  return {
    keysFile,
    fallback: FALLBACK,
    host: '127.0.0.1',
    port: 0,
    trustedProxies: ['127.0.0.1'],
    geoFile: null,
    note: () => {},
    ...over,
  };
}
