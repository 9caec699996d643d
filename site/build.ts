import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { UsageError } from '../core/errors.ts';
import { decodeStatus } from '../core/formats/status-file.ts';
import { readFileOrNull } from '../core/node/atomic-file.ts';
import { makeFolder } from '../core/node/make-folder.ts';
import { naming } from '../core/node/system-errors.ts';
import { outputLayout } from '../core/output-layout.ts';
import { type Progress, silentProgress } from '../core/progress.ts';
import { type Page, renderPages } from './render.ts';
import { styleSheet } from './style-sheet.ts';

// Overview, about, and the one for missing addresses.
const PAGES_BESIDE_MIRRORS = 3;

export interface SiteOptions {
  /** The output folder; reads its `site-data/status.json`, replaces its `site/`. */
  readonly output: string;
  readonly progress?: Progress;
  /** Aborted, its reason is thrown, and the old site stays. */
  readonly signal?: AbortSignal;
}

/**
 * Builds the status site. Throws UsageError where there is no status yet, FormatError where it can't be read.
 * `folder` is where the site lies, `pages` how many it has.
 */
export async function buildSite({
  output,
  progress = silentProgress,
  signal,
}: SiteOptions): Promise<{ pages: number; folder: string }> {
  const file = outputLayout.siteData(output);
  const text = readFileOrNull(file)?.toString('utf8');
  if (text === undefined) throw new UsageError(`${file} is missing; run "redirector build" first`);
  const status = decodeStatus(text, file);
  const css = styleSheet();

  const task = progress.start('status site', status.mirrors.length + PAGES_BESIDE_MIRRORS, 'pages');
  try {
    const pages = await renderPages(status, css, () => task.advance(1));
    // A signal that came in one long turn of the event loop is heard in the next.
    await setImmediate();
    signal?.throwIfAborted();
    const folder = outputLayout.site(output);
    replaceFolder(folder, (fresh) => writeSite(fresh, pages, css, text));
    return { pages: pages.length, folder };
  } finally {
    task.end();
  }
}

function writeSite(folder: string, pages: readonly Page[], css: string, status: string): void {
  const write = (name: string, text: string) => {
    const file = join(folder, name);
    naming(file, () => writeFileSync(file, text));
  };
  for (const { name, html } of pages) write(name, html);
  write('site.css', css);
  write('status.json', status);
}

/**
 * Fills a fresh folder and puts it in the place of the old one. A run that is killed leaves the old folder, or, between
 * the two renames, none: then the next run brings it back before anything else.
 */
function replaceFolder(folder: string, fill: (fresh: string) => void): void {
  const fresh = `${folder}.new`;
  const old = `${folder}.old`;
  if (existsSync(old) && !existsSync(folder)) renameSync(old, folder);
  rmSync(old, { recursive: true, force: true });
  rmSync(fresh, { recursive: true, force: true });
  makeFolder(fresh);
  fill(fresh);
  if (existsSync(folder)) renameSync(folder, old);
  renameSync(fresh, folder);
  rmSync(old, { recursive: true, force: true });
}
