import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Draws docs/demo.svg from what the demo prints: `npm run picture`. A test holds the picture against the demo. */

const WIDTH = 8;
const HEIGHT = 19;

/** The part of the demo's output that is the same in every run: the table, and the line below it. */
export function tableOf(printed: string): string[] {
  const lines = printed.split('\n');
  const first = lines.findIndex((line) => line.startsWith('┌'));
  const last = lines.findIndex((line) => line.startsWith('└'));
  return lines.slice(first, last + 2);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

export function picture(lines: readonly string[]): string {
  const columns = Math.max(...lines.map((line) => line.length));
  const [width, height] = [(columns + 4) * WIDTH, (lines.length + 3) * HEIGHT];
  const texts = lines.map(
    (line, i) =>
      `<text x="${2 * WIDTH}" y="${(i + 2) * HEIGHT}" textLength="${line.length * WIDTH}">${escaped(line)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="The demo's table">
<style>
rect { fill: #fbfaf7 } text { font: 13.3px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #23211d; white-space: pre }
@media (prefers-color-scheme: dark) { rect { fill: #1b1a18 } text { fill: #e8e4da } }
</style>
<rect width="100%" height="100%" rx="10"/>
${texts.join('\n')}
</svg>
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const redirector = fileURLToPath(new URL('../redirector.js', import.meta.url));
  const args = [redirector, 'demo', '--once', '--output', join(tmpdir(), 'redirector-picture')];
  // The table is a note of the progress, on stderr.
  const printed = execFileSync('sh', ['-c', 'exec "$0" "$@" 2>&1', process.execPath, ...args], { encoding: 'utf8' });
  writeFileSync(fileURLToPath(new URL('demo.svg', import.meta.url)), picture(tableOf(printed)));
}
