import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that is removed by `close`. */
export function tempFolder(): { readonly path: string; readonly close: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'redirector-'));
  // A daemon started by root reads it as nobody.
  chmodSync(path, 0o755);
  return { path, close: () => rmSync(path, { recursive: true, force: true }) };
}
