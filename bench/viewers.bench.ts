import { fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SHARES } from './viewers/draw.ts';
import { type Figures, figuresOf, type MirrorFigures } from './viewers/figures.ts';
import { picture } from './viewers/picture.ts';
import { type Populations, populations } from './viewers/population.ts';
import { added, type Counts, noCounts, type Task } from './viewers/simulate.ts';
import { mirrorList, type World, worldOf } from './viewers/world.ts';

const VIEWERS = 10_000_000;

/**
 * Ten million viewers, by the edge's own decision over the built keys of a mirror list: who is sent where, and what
 * happens when a mirror dies. Draws `docs/viewers.svg`, or `output/viewers.svg` where the list is a given one. Throws
 * where a mirror that goes down moves a viewer who was not its own.
 */
export async function benchViewers(): Promise<string> {
  const people = populations();
  const { mirrors, from } = mirrorList();
  const world = worldOf(mirrors, people.countries);
  const startedAtMs = Date.now();
  const counts = await simulated(world, people);
  const seconds = (Date.now() - startedAtMs) / 1000;
  const figures = figuresOf(world, counts);
  if (counts.moved > 0) throw new Error(`${counts.moved} viewers moved though their mirror was up`);
  const file = fileURLToPath(
    new URL(from.startsWith('a ') ? '../docs/viewers.svg' : '../output/viewers.svg', import.meta.url),
  );
  mkdirSync(dirname(file), { recursive: true });
  const title = `${VIEWERS.toLocaleString('en')} viewers, ${mirrors.length} mirrors (${from})`;
  writeFileSync(file, picture(world, counts, figures, title));
  return report({ world, people, counts, figures, from, seconds }).join('\n');
}

async function simulated(world: World, { countries }: Populations): Promise<Counts> {
  const workers = availableParallelism();
  const share = Math.ceil(VIEWERS / workers);
  const parts = await Promise.all(
    Array.from({ length: workers }, (_, i) => {
      const viewers = Math.min(share, VIEWERS - i * share);
      return countsOf({ world, countries, seed: i + 1, viewers });
    }),
  );
  return parts.reduce(added, noCounts());
}

function countsOf(task: Task): Promise<Counts> {
  return new Promise((resolve, reject) => {
    const program = fileURLToPath(new URL('./viewers/simulate.child.ts', import.meta.url));
    const child = fork(program, { execArgv: ['--import', 'tsx'] });
    child.once('message', (counts) => resolve(counts as Counts));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`a child ended with ${code}`)));
    child.send(task);
  });
}

interface Found {
  readonly world: World;
  readonly people: Populations;
  readonly counts: Counts;
  readonly figures: Figures;
  readonly from: string;
  readonly seconds: number;
}

function report({ world, people, counts, figures, from, seconds }: Found): string[] {
  const { viewers, mirrors, distances } = figures;
  const decisions = 2.2 * viewers + counts.askedAgain;
  const rise = mostRise(counts, world);
  return [
    `### ${viewers.toLocaleString('en')} viewers, ${world.mirrors.length} mirrors of ${from}`,
    '',
    `By people per country (${people.countries.length} countries; no figure for ${people.unknown.join(', ')}; counted under other names: ${people.leftOut.join(', ')}), parts of large countries evenly and known for ${percent(SHARES.knownPart)}, ${percent(SHARES.https)} over https, ${percent(SHARES.ipv6)} over IPv6, networks at random. Some ${Math.round(decisions / 1e6)} million decisions in ${seconds.toFixed(0)} s.`,
    '',
    '| mirror | in | share | of its own country | mean distance | down: taken over by | the most by one |',
    '|---|---|--:|--:|--:|--:|--:|',
    ...mirrors.map(mirrorRow),
    '',
    '| distance | viewers | if all went to the nearest |',
    '|---|--:|--:|',
    ...distances.map(({ label, share, nearest }) => `| ${label} | ${percent(share)} | ${percent(nearest)} |`),
    '',
    `- To the fallback: ${percent(figures.fallback)}. More than a ring farther than the nearest mirror of their scheme: ${percent(figures.farBeforeNear)}; over IPv6, farther than others since nobody nearer has IPv6: ${percent(counts.farForIpv6 / viewers)}.`,
    `- Asked again while another mirror than theirs was down: ${counts.askedAgain.toLocaleString('en')}; sent elsewhere then: ${counts.moved}.`,
    `- What one mirror's load grows by at the most when another dies: ${rise}.`,
    `- An object that only ${world.scarceHolders.length} far mirrors hold: ${scarceShares(world, counts)}.`,
    `- Farthest (share of viewers, mean distance): ${figures.farthest
      .slice(0, 8)
      .map(({ region, share, meanKm }) => `${region} ${percent(share)} ${km(meanKm)}`)
      .join('; ')}.`,
  ];
}

function mirrorRow({ mirror, share, ownCountry, meanKm, heirs, largestHeir }: MirrorFigures): string {
  const countries = [...new Set(mirror.places.map(({ country }) => country))].join(' ');
  const cells = [mirror.id, countries, percent(share), percent(ownCountry), km(meanKm), heirs, percent(largestHeir)];
  return `| ${cells.join(' | ')} |`;
}

function mostRise({ heirs }: Counts, { mirrors }: World): string {
  const loads = mirrors.map((_, mirror) => Object.values(heirs[mirror] ?? {}).reduce((sum, count) => sum + count, 0));
  const rises = Object.entries(heirs).flatMap(([down, row]) =>
    Object.entries(row)
      .filter(([heir]) => Number(heir) >= 0)
      .map(([heir, count]) => ({
        down: Number(down),
        heir: Number(heir),
        rise: count / (loads[Number(heir)] as number),
      })),
  );
  const id = (mirror: number) => mirrors[mirror]?.id;
  // Where the heir has hardly any viewers of its own, twice as many are still few.
  return rises
    .filter(({ heir }) => (loads[heir] as number) > VIEWERS / 2000)
    .sort((a, b) => b.rise - a.rise)
    .slice(0, 3)
    .map(({ down, heir, rise }) => `${percent(rise)} (${id(heir)} for ${id(down)})`)
    .join(', ');
}

function scarceShares({ mirrors }: World, { scarce }: Counts): string {
  const total = Object.values(scarce).reduce((sum, count) => sum + count, 0);
  return Object.entries(scarce)
    .map(([mirror, count]) => `${mirrors[Number(mirror)]?.id ?? 'the fallback'} ${percent(count / total)}`)
    .join(', ');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.0995 && share > 0 ? 2 : 0)} %`;
}

function km(value: number): string {
  return `${Math.round(value).toLocaleString('en')} km`;
}
