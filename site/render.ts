import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { UserConfig } from '@11ty/eleventy';
import { ACCESS_POINT_STATES, STATUS_DAYS, type Status, type StatusDay } from '../core/status.ts';
import {
  CHART_HEIGHT,
  CHART_WIDTH,
  chartedDays,
  chartsOf,
  STRIP_DAYS,
  STRIP_HEIGHT,
  STRIP_WIDTH,
  stripOf,
} from './charts.ts';
import { age, dayName, harmless, isoTime, isWebUrl, number, percent, plural, utcTime } from './format.ts';
import { overviewOf } from './view.ts';

const templates = join(dirname(fileURLToPath(import.meta.url)), 'templates');

export interface Page {
  /** A plain file name: all pages lie side by side, so that links between them work below any path. */
  readonly name: string;
  readonly html: string;
}

/** All pages of the site. `css` is put into the page for missing addresses, which is served at any depth. */
export async function renderPages(status: Status, css: string, onPage: () => void): Promise<Page[]> {
  // Not at the top: the compiled program is of the older kind of module, which can't.
  const { Eleventy } = await import('@11ty/eleventy');
  // No configuration file is looked for, and nothing is written: the folder for it is never made.
  const eleventy = new Eleventy(templates, 'unused', {
    quietMode: true,
    configPath: '',
    config: (config) => configure(config, harmless(status), css, onPage),
  });
  const pages = await eleventy.toJSON();
  return pages.map(({ outputPath, content }) => ({ name: basename(outputPath), html: content }));
}

function configure(config: UserConfig, status: Status, css: string, onPage: () => void): void {
  // The project itself may be installed below a node_modules folder, or be ignored by a repository around it.
  config.ignores.clear();
  config.setUseGitIgnore(false);

  // A global of Nunjucks is handed on as it is, where Eleventy would copy its data for each page.
  config.addNunjucksGlobal('status', status);
  config.addNunjucksGlobal('overview', overviewOf(status));
  config.addNunjucksGlobal('states', ACCESS_POINT_STATES);
  config.addNunjucksGlobal('css', css);
  config.addGlobalData('mirrorIndexes', [...status.mirrors.keys()]);

  const chartBox = { width: CHART_WIDTH, height: CHART_HEIGHT, days: STATUS_DAYS, ...chartedDays(status.madeAtMs) };
  config.addNunjucksGlobal('chartBox', chartBox);
  config.addNunjucksGlobal('stripBox', { width: STRIP_WIDTH, height: STRIP_HEIGHT, days: STRIP_DAYS });
  const charts = (history: readonly StatusDay[]) => chartsOf(history, status.madeAtMs);
  const strip = (history: readonly StatusDay[]) => stripOf(history, status.madeAtMs);
  const filters = { number, percent, plural, age, utcTime, isoTime, isWebUrl, dayName, charts, strip };
  for (const [name, filter] of Object.entries(filters)) config.addFilter(name, filter);
  config.addTransform('count', (content) => {
    onPage();
    return content;
  });
}
