import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LISTED_DIRECTORY, plantListedNames } from './listing-tree.ts';
import { INDEX_SERVERS } from './servers/index-servers.ts';

/** Captures index pages from the real servers into `test/fixtures/listings/`: `node --import tsx test/capture-listings.ts`. */
const target = fileURLToPath(new URL('fixtures/listings/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'redirector-listings-'));
try {
  mkdirSync(target, { recursive: true });
  plantListedNames(folder);
  for (const [name, { start }] of Object.entries(INDEX_SERVERS)) {
    const server = await start(folder);
    try {
      const answer = await fetch(`${server.url}${LISTED_DIRECTORY}`);
      const page = Buffer.from(await answer.arrayBuffer());
      if (answer.status !== 200) throw new Error(`${name} answers ${answer.status}`);
      writeFileSync(join(target, `${name}.html`), page);
      console.log(`${name}: ${page.length.toLocaleString('en')} bytes`);
    } finally {
      await server.close();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
