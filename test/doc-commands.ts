import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);

/** The pages of the documentation, by their path in the project. */
export const pages: readonly string[] = [
  'README.md',
  'output/README.md',
  ...readdirSync(fileURLToPath(new URL('docs', root)))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

export function readPage(page: string): string {
  return readFileSync(new URL(page, root), 'utf8');
}

/** The commands of a page's shell blocks, each on one line, without comments. */
export function commandsOf(page: string): string[] {
  const blocks = [...readPage(page).matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) =>
    (block as string).replace(/ *\\\n */g, ' ').split('\n'),
  );
  return blocks.map((line) => line.replace(/\s+#.*$/, '').trim()).filter((line) => line !== '');
}

/** Commands of AWS' own program: they want an account, and so are read against the template instead of run. */
export const isAws = (command: string): boolean => command.startsWith('aws ');
