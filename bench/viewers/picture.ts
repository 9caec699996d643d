import type { Mirror, Place } from '../../core/mirror.ts';
import type { Region } from '../../generator/maps/rank.ts';
import { allRegions } from '../../generator/maps/regions.ts';
import type { Figures, MirrorFigures } from './figures.ts';
import type { Counts } from './simulate.ts';
import type { World } from './world.ts';

const MARGIN = 20;
const BAR = 6;
const MAP_HEIGHT = 440;
const BARS_HEIGHT = 150;
/** Fainter lines would be a haze. */
const LEAST_FLOW = 0.0004;

/** Who is sent where, on a map without coasts, and below it a bar for each mirror: grouped by country. An SVG. */
export function picture(world: World, counts: Counts, figures: Figures, title: string): string {
  const bars = barsOf(figures);
  const width = 2 * MARGIN + bars.columns * BAR;
  const height = MAP_HEIGHT + BARS_HEIGHT + 110;
  const text = (y: number, words: string) => `<text x="${MARGIN}" y="${y}">${words}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Where simulated viewers are sent, and each mirror's share of them">
<style>
.page { fill: #fbfaf7 } text { font: 12px system-ui, sans-serif; fill: #23211d } .code { font-size: 7px; text-anchor: middle }
.viewers { fill: #7a9cc6; fill-opacity: .45 } .flow { stroke: #a8553a; stroke-opacity: .45; stroke-linecap: round; fill: none }
.own { fill: #2f5d8a } .abroad { fill: #c98a5e } .mirror { fill: #a8553a }
@media (prefers-color-scheme: dark) { .page { fill: #1b1a18 } text { fill: #e8e4da } .own { fill: #7fb0e0 } }
</style>
<rect class="page" width="100%" height="100%" rx="10"/>
${text(24, title)}
${text(42, 'Discs: viewers. Lines: to a mirror in another country, as thick as many are sent there. Dots: where mirrors stand.')}
${mapOf(world, counts, figures.viewers, width)}
${text(MAP_HEIGHT + 66, `Each mirror’s share of all viewers, by country: <tspan class="own">of its own country</tspan>, <tspan class="abroad">of others</tspan>. The tallest bar is ${(bars.most * 100).toFixed(1)} %.`)}
<g transform="translate(${MARGIN} ${MAP_HEIGHT + 80})">
${bars.shapes}
</g>
</svg>
`;
}

function mapOf(world: World, counts: Counts, viewers: number, width: number): string {
  const at = ({ latitude, longitude }: { latitude: number; longitude: number }) => ({
    x: round(MARGIN + ((longitude + 180) / 360) * (width - 2 * MARGIN)),
    // From 75° north to 57° south: nobody lives beyond.
    y: round(54 + ((75 - latitude) / 132) * (MAP_HEIGHT - 20)),
  });
  const regions = new Map(allRegions().map((region) => [region.code, region]));
  const discs: string[] = [];
  const flows = new Map<string, number>();
  for (const [code, row] of Object.entries(counts.sent)) {
    const region = regions.get(code) as Region;
    const from = at(region.middle as NonNullable<Region['middle']>);
    const share = Object.values(row).reduce((sum, count) => sum + count, 0) / viewers;
    discs.push(`<circle cx="${from.x}" cy="${from.y}" r="${round(Math.sqrt(share) * 110)}"/>`);
    for (const [number, count] of Object.entries(row)) {
      const point = world.points[Number(number)];
      if (point === undefined) continue;
      const place = nearestPlace(region, world.mirrors[point.mirror] as Mirror);
      if (place.country === region.country) continue;
      const to = at(place);
      const path = `M${from.x} ${from.y}L${to.x} ${to.y}`;
      flows.set(path, (flows.get(path) ?? 0) + count / viewers);
    }
  }
  const lines = [...flows]
    .filter(([, share]) => share >= LEAST_FLOW)
    .map(([path, share]) => `<path d="${path}" stroke-width="${round(Math.max(0.4, share * 250))}"/>`);
  const stands = new Set(
    world.mirrors
      .flatMap(({ places }) => places)
      .map(at)
      .map(({ x, y }) => `<circle cx="${x}" cy="${y}" r="2"/>`),
  );
  return [
    `<g class="viewers">${discs.join('')}</g>`,
    `<g class="flow">${lines.join('')}</g>`,
    `<g class="mirror">${[...stands].join('')}</g>`,
  ].join('\n');
}

function nearestPlace({ country, middle }: Region, { places }: Mirror): Place {
  const away = (place: Place) =>
    place.country === country
      ? -1
      : Math.hypot(place.latitude - (middle?.latitude ?? 0), place.longitude - (middle?.longitude ?? 0));
  return places.reduce((best, one) => (away(one) < away(best) ? one : best));
}

/** Bars in groups by country, the country with most viewers first. */
function barsOf({ mirrors }: Figures) {
  const groups = new Map<string, MirrorFigures[]>();
  for (const one of mirrors) {
    const country = (one.mirror.places[0] as Place).country;
    groups.set(country, [...(groups.get(country) ?? []), one]);
  }
  const shareOf = (group: readonly MirrorFigures[]) => group.reduce((sum, { share }) => sum + share, 0);
  const most = Math.max(...mirrors.map(({ share }) => share));
  const shapes: string[] = [];
  let column = 0;
  for (const [country, group] of [...groups].sort((a, b) => shareOf(b[1]) - shareOf(a[1]))) {
    const middle = (column + Math.max(group.length, 2) / 2) * BAR;
    shapes.push(`<text class="code" x="${middle}" y="${BARS_HEIGHT + 10}">${country}</text>`);
    for (const [i, { share, ownCountry, mirror }] of group.entries()) {
      const height = (share / most) * BARS_HEIGHT;
      const own = height * ownCountry;
      const rect = (kind: string, y: number, tall: number) =>
        `<rect class="${kind}" x="${(column + i) * BAR}" y="${round(y)}" width="${BAR - 1}" height="${round(tall)}"/>`;
      const label = `<title>${mirror.id} ${(share * 100).toFixed(2)} %</title>`;
      const parts = rect('own', BARS_HEIGHT - own, own) + rect('abroad', BARS_HEIGHT - height, height - own);
      shapes.push(`<g>${label}${parts}</g>`);
    }
    column += Math.max(group.length, 2) + 0.5;
  }
  return { shapes: shapes.join('\n'), columns: column, most };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
