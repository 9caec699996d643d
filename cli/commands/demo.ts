import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Table from 'cli-table3';
import type { Command } from 'commander';
import { decodeStatus } from '../../core/formats/status-file.ts';
import { readFileOrNull } from '../../core/node/atomic-file.ts';
import { outputLayout } from '../../core/output-layout.ts';
import { pathFromBytes } from '../../core/path-bytes.ts';
import type { AccessPointStatus, Status } from '../../core/status.ts';
import type { Fleet } from '../../demo/fleet.ts';
import type { PlantedTree } from '../../demo/tree.ts';
import { parseConfig } from '../config.ts';
import { type Context, countOption, inContext, type SharedOptions, withSharedOptions } from '../context.ts';
import { WHOLE } from './check.ts';
import { runAll } from './run.ts';
import { type ServeOptions, serve, withServeOptions } from './serve.ts';

interface DemoOptions extends ServeOptions {
  readonly objects: number;
  readonly once?: boolean;
}

export function registerDemo(program: Command): void {
  withServeOptions(withSharedOptions(program.command('demo')), 0, 0)
    .description('the whole job on a fleet of mirrors of its own, ending with a local edge to try')
    .option('--objects <number>', 'about how many objects the made-up tree has', countOption, 3000)
    .option('--once', 'end after the checks instead of serving')
    .action((options: SharedOptions & DemoOptions) => inContext(options, (context) => demo(context, options)));
}

async function demo(context: Context, options: DemoOptions): Promise<void> {
  const { plantTree } = await import('../../demo/tree.ts');
  const { startFleet } = await import('../../demo/fleet.ts');
  const folder = join(context.output, 'demo');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const say = (line: string) => context.progress.note(line);
  const tree = plantTree(join(folder, 'tree'), { objects: options.objects, seed: 1 });
  say(`A tree of ${tree.objects.length.toLocaleString('en')} objects, with names as hostile as they come.`);
  const fleet = await startFleet({ tree, folder: join(folder, 'fleet'), signal: context.signal });
  try {
    say(
      `A fleet of ${fleet.mirrors.length} mirrors in ${new Set(fleet.mirrors.map((mirror) => mirror.country)).size} countries.`,
    );
    if (!fleet.rsync) say('rsync is not installed here, so no mirror is listed over rsync ("apt-get install rsync").');
    const inner = writeConfig(context, folder, fleet);
    await runAll({ ...inner, print() {} }, { mirror: [], tree: '', part: WHOLE });
    const status = readStatus(inner.output);
    const columns = process.stderr.columns ?? WIDE;
    say(`\n${columns < FIXED_COLUMNS + LEAST_WORDY ? findingsList(status, fleet) : findings(status, fleet, columns)}`);
    const { count } = status.totals.unheld;
    const unheld =
      count === 0 ? 'Every object has a holder that is up.' : `${count} objects have no holder that is up.`;
    context.print(status.totals, `${unheld} What nobody holds is the fallback's to serve.`);
    if (options.once !== true) await serve(inner, options, (urls) => say(whatToTry(urls, tree, folder)));
  } finally {
    await fleet.close();
  }
}

/** Quick to fetch for somebody who tries. */
const SMALL_BYTES = 1_000_000;

/** A configuration that a person can go on with while the demo runs. */
function writeConfig(context: Context, folder: string, fleet: Fleet): Context {
  const file = join(folder, 'redirector.toml');
  const text = [
    'name = "Demo Linux"',
    `fallback = "${fleet.fallbackUrl}"`,
    '[[inventory]]\nfrom = "tree"',
    '[mirrors]\nlist = "distfiles.xml"',
    '[check]\ntimeout = "2s"\n',
  ].join('\n');
  writeFileSync(file, text);
  writeFileSync(join(folder, 'distfiles.xml'), fleet.distfilesXml);
  return { ...context, config: () => parseConfig(text, file), output: join(folder, 'output') };
}

function readStatus(output: string): Status {
  const file = outputLayout.siteData(output);
  return decodeStatus(readFileOrNull(file)?.toString('utf8') ?? '', file);
}

/** A shape for each state, before any colour. */
export const STATE_SIGNS: Readonly<Record<AccessPointStatus['state'], string>> = {
  up: '● up',
  failing: '◐ failing',
  down: '○ down',
  'not checked': '· not checked',
};

/** Where the output is no terminal. */
const WIDE = 164;
/** What the table's columns take without the two that bend, borders counted. */
const FIXED_COLUMNS = 73;
/** What those two need; where the terminal has less, it is no table. */
const LEAST_WORDY = 32;

/** What was found at each access point, as wide as the terminal is; the wishes of the two wordy columns come last. */
function findings(status: Status, fleet: Fleet, columns: number): string {
  const wordy = columns - FIXED_COLUMNS;
  const about = Math.max(16, Math.min(33, Math.floor(wordy * 0.4)));
  const table = new Table({
    head: ['mirror', 'in', 'what it is', 'over', 'found', 'present', 'absent', 'other size'],
    colAligns: ['left', 'left', 'left', 'left', 'left', 'right', 'right', 'right'],
    colWidths: [24, 4, about, 7, Math.min(58, wordy - about), 9, 8, 12],
    wordWrap: true,
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  for (const { name, country, behaviour, rows } of inFleetOrder(status, fleet)) {
    for (const [i, { protocol, found, figures }] of rows.entries())
      table.push([...(i > 0 ? ['', '', ''] : [name, country, behaviour]), protocol, found, ...figures]);
  }
  return table.toString();
}

/** The same for narrow terminals, which wrap it as they like. */
function findingsList(status: Status, fleet: Fleet): string {
  return inFleetOrder(status, fleet)
    .flatMap(({ name, country, behaviour, rows }) => [
      `${name} (${country}), ${behaviour}`,
      ...rows.map(
        ({ protocol, found, figures: [present, absent, different] }) =>
          `  ${protocol} ${found}; ${present} present, ${absent} absent, ${different} of other size`,
      ),
    ])
    .join('\n');
}

function inFleetOrder({ mirrors }: Status, fleet: Fleet) {
  const behaviours = new Map(fleet.mirrors.flatMap(({ urls, behaviour }) => urls.map((url) => [url, behaviour])));
  const order = fleet.mirrors.map((mirror) => mirror.name);
  const sorted = [...mirrors].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  return sorted.map(({ name, countries, accessPoints }) => ({
    name,
    country: countries[0]?.code ?? '',
    behaviour: behaviours.get(accessPoints[0]?.url ?? '') ?? '',
    rows: accessPoints.map(({ protocol, state, reason, counts }) => ({
      protocol,
      found: STATE_SIGNS[state] + (reason === '' ? '' : `: ${reason}`),
      figures: [counts.present, counts.absent, counts.different].map((count) => count.toLocaleString('en')),
    })),
  }));
}

function whatToTry(urls: { edge: string; site: string }, tree: PlantedTree, folder: string): string {
  const files = tree.objects
    .filter((object) => object.sizeBytes > 0 && object.sizeBytes < SMALL_BYTES)
    .map((object) => pathFromBytes(object.path));
  const plain = files.find((path) => /^distfiles\/[0-9a-f]{2}\/[a-z0-9.-]+\.tar\.xz$/.test(path)) ?? files[0];
  const hostile = files.find((path) => path.includes('%252F')) ?? files.at(-1);
  return `
The edge listens. Try, in another terminal:

  curl -sI '${urls.edge}${plain}?country=DE'
  curl -sL '${urls.edge}${hostile}?country=JP' -o /dev/null -w '%{http_code} %{size_download} bytes from %{url_effective}\\n'
  curl -sI '${urls.edge}no/such/file?country=US'

Why an answer is what it is:  npx redirector lookup ${plain} --country DE --scheme http --output ${join(folder, 'output')}
The status site:              ${urls.site}
Ctrl-C ends it.`;
}
