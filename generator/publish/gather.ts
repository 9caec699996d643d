import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { quoted, UsageError } from '../../core/errors.ts';
import { outputLayout } from '../../core/output-layout.ts';
import type { GatheredRelease, ReleaseFigures, ReleaseFile, ReleaseManifest } from './contract.ts';
import { isReleasePath, manifestOf, sha256Of } from './manifest.ts';

/** What of the output folder is published; observations and the inventory stay at home. */
const FOLDERS = ['edge', 'maps', 'site', 'site-data'];

/**
 * Gathers what was built into a release. Its bytes are held in memory (some 20 MB): what is hashed is what is sent,
 * whatever becomes of the output folder. Throws UsageError where a part was not built.
 */
export function gatherRelease(
  output: string,
  about: {
    readonly gatheredAtMs: number;
    readonly builtAtMs: number;
    readonly figures: ReleaseFigures;
    readonly forced: ReleaseManifest['forced'];
  },
): GatheredRelease {
  const contents = new Map<string, Buffer>();
  for (const folder of FOLDERS) {
    for (const entry of entriesOf(join(output, folder))) {
      const file = join(entry.parentPath, entry.name);
      const path = relative(output, file).split(sep).join('/');
      // Files that are being written, or were when something was killed.
      if (!entry.isFile() || entry.name.endsWith('.tmp')) continue;
      if (!isReleasePath(path)) throw new UsageError(`${quoted(file)}: no name for a file of a release; remove it`);
      contents.set(path, readFileSync(file));
    }
  }
  for (const needed of [outputLayout.edgeFunction, outputLayout.edgeKeys, outputLayout.objectTable]) {
    if (!contents.has(relative(output, needed(output)).split(sep).join('/'))) {
      throw new UsageError(`${needed(output)}: nothing built yet; run "redirector run" first`);
    }
  }
  const files: ReleaseFile[] = [...contents].map(([path, bytes]) => ({
    path,
    sizeBytes: bytes.length,
    sha256: sha256Of(bytes),
  }));
  return { manifest: manifestOf(files, about), read: (path) => contents.get(path) as Buffer };
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
