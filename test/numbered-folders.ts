import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Makes a new folder at each call; all are removed after the file's tests. */
export function numberedFolders(name: string): () => string {
  const work = mkdtempSync(join(tmpdir(), `redirector-${name}-`));
  afterAll(() => rmSync(work, { recursive: true, force: true }));
  let count = 0;
  return () => {
    const folder = join(work, String(count++));
    mkdirSync(folder);
    return folder;
  };
}
