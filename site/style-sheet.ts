import { readFileSync } from 'node:fs';

/** The files of `styles/` in the order of the cascade: of rules of equal weight the later one wins. */
const STYLES = [
  ...['theme', 'type', 'page', 'states', 'charts', 'cards', 'facts'],
  ...['tables', 'points', 'trees', 'paths', 'vantages', 'details'],
];

/** The site's one style sheet. */
export function styleSheet(): string {
  return STYLES.map((name) => readFileSync(new URL(`styles/${name}.css`, import.meta.url), 'utf8')).join('\n');
}
