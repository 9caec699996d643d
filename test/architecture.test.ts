import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  core: [],
  generator: ['core'],
  checker: ['core'],
  'edge-shim': ['core'],
  site: ['core'],
};

/** What a file imports of other rooms of the house: `core/path.ts`. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const places = [...text.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, place]) => place as string);
  return places.map((place) => relative(root, join(root, dirname(file), place)));
}

describe('docs/architecture.md', () => {
  it.each(Object.entries(ALLOWED))('%s imports nothing of the other rooms but %j', (room, allowed) => {
    const files = readdirSync(join(root, room), { recursive: true }).map((name) => join(room, String(name)));
    const sources = files.filter((file) => /(?<!\.test)\.ts$/.test(file) && !file.includes('/testing/'));
    expect(sources.length).toBeGreaterThan(5);
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((place) => ![room, ...allowed].includes(place.split('/')[0] as string))
        .map((place) => `${file}: ${place}`),
    );
    expect(wrong).toEqual([]);
  });

  it('names files that are there', () => {
    const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
    const named = [...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)*\/?)`/g)].map(([, path]) => path as string);
    const paths = named.filter((path) => /^(?:\.github|checker|cli|core|edge-shim|generator|site|test)\//.test(path));
    expect(paths.length).toBeGreaterThan(8);
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});
