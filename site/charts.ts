import { dayOf } from '../core/history.ts';
import { STATUS_DAYS, type StatusDay } from '../core/status.ts';
import { age, dayName, number, percent, plural } from './format.ts';

/** A small chart over `STATUS_DAYS` days, for a viewBox of `CHART_WIDTH` × `CHART_HEIGHT`. */
export interface Chart {
  readonly title: string;
  /** What it shows, in words: its caption, and all that those need who don't see it. */
  readonly summary: string;
  /** What its upper and lower edge stand for. */
  readonly top: string;
  readonly bottom: string;
  /** A `line` is to be stroked, `bars` to be filled. */
  readonly kind: 'line' | 'bars';
  /** Data of an SVG path; days without a figure are a gap. */
  readonly path: string;
}

const DAY_WIDTH = 10;
export const CHART_WIDTH = STATUS_DAYS * DAY_WIDTH;
export const CHART_HEIGHT = 48;
/** Strokes reach beyond their points. */
const MARGIN = 2;
const BAR_WIDTH = 7;
const DASH = 6;
const DAY_MS = 86_400_000;
const HOUR_S = 3600;

interface Point {
  readonly day: string;
  /** Days after the first one of the window. */
  readonly at: number;
  readonly value: number;
}

/** A day of the window, counted from its first. */
function place(day: string, madeAtMs: number): number {
  const last = Date.parse(dayOf(madeAtMs / 1000));
  return STATUS_DAYS - 1 - Math.round((last - Date.parse(day)) / DAY_MS);
}

/** The first and the last day of the window. */
export function chartedDays(madeAtMs: number): { readonly first: string; readonly last: string } {
  return { first: dayOf((madeAtMs - (STATUS_DAYS - 1) * DAY_MS) / 1000), last: dayOf(madeAtMs / 1000) };
}

/** The charts of an access point: of its coverage, up-share, lag and requests; of what nothing is known, none. */
export function chartsOf(history: readonly StatusDay[], madeAtMs: number): Chart[] {
  const points = (figureOf: (day: StatusDay) => number | null): Point[] =>
    history.flatMap((day) => {
      const [at, value] = [place(day.day, madeAtMs), figureOf(day)];
      return value !== null && at >= 0 && at < STATUS_DAYS ? [{ day: day.day, at, value }] : [];
    });
  const charts = [
    coverageChart(points(({ coverage }) => coverage)),
    upChart(points(({ upShare }) => upShare)),
    lagChart(points(({ lagS }) => lagS)),
    requestsChart(points(({ requests }) => requests)),
  ];
  return charts.filter((chart) => chart !== null);
}

function coverageChart(points: readonly Point[]): Chart | null {
  const [last, low] = [points.at(-1), lowest(points)];
  if (last === undefined || low === undefined) return null;
  const bottom = [0.99, 0.9, 0.5].find((share) => share <= low.value) ?? 0;
  const dip = low.value < last.value ? `, ${percent(low.value, 1)} at the lowest, on ${dayName(low.day)}` : '';
  return {
    title: 'Coverage',
    summary: `${percent(last.value, 1)} on ${dayName(last.day)}${dip}`,
    ...{ top: percent(1, 1), bottom: percent(bottom, 1), kind: 'line', path: linePath(points, bottom, 1) },
  };
}

function upChart(points: readonly Point[]): Chart | null {
  const low = lowest(points);
  if (low === undefined) return null;
  const dip =
    low.value < 1 && points.length > 1 ? `, ${percent(low.value, 1)} at the lowest, on ${dayName(low.day)}` : '';
  return {
    title: 'Up',
    summary: `${percent(sumOf(points), points.length)} of ${plural(points.length, 'day')}${dip}`,
    ...{ top: percent(1, 1), bottom: percent(0, 1), kind: 'bars', path: barsPath(points, 1) },
  };
}

function lagChart(points: readonly Point[]): Chart | null {
  const [last, high] = [points.at(-1), highest(points)];
  if (last === undefined || high === undefined) return null;
  const topS = Math.max(HOUR_S, high.value);
  const peak = high.value > last.value ? `, ${age(high.value * 1000)} at most, on ${dayName(high.day)}` : '';
  return {
    title: 'Behind the master',
    summary: `${age(last.value * 1000)} on ${dayName(last.day)}${peak}`,
    ...{ top: age(topS * 1000), bottom: age(0), kind: 'line', path: linePath(points, 0, topS) },
  };
}

function requestsChart(points: readonly Point[]): Chart | null {
  const [last, high] = [points.at(-1), highest(points)];
  if (last === undefined || high === undefined) return null;
  const most = high.value > last.value ? `, ${number(high.value)} at most, on ${dayName(high.day)}` : '';
  return {
    title: 'Requests of ours',
    summary: `${number(last.value)} on ${dayName(last.day)}${most}; ${number(sumOf(points))} in all`,
    ...{
      top: number(Math.max(1, high.value)),
      bottom: '0',
      kind: 'bars',
      path: barsPath(points, Math.max(1, high.value)),
    },
  };
}

function sumOf(points: readonly { readonly value: number }[]): number {
  return points.reduce((total, { value }) => total + value, 0);
}

/** The first of those with the least value. */
function lowest(points: readonly Point[]): Point | undefined {
  return points.reduce<Point | undefined>((low, point) => (low && low.value <= point.value ? low : point), undefined);
}

function highest(points: readonly Point[]): Point | undefined {
  return points.reduce<Point | undefined>(
    (high, point) => (high && high.value >= point.value ? high : point),
    undefined,
  );
}

/** With a dash where a day stands alone. */
function linePath(points: readonly Point[], bottom: number, top: number): string {
  const y = (value: number) =>
    rounded(CHART_HEIGHT - MARGIN - ((value - bottom) / (top - bottom)) * (CHART_HEIGHT - 2 * MARGIN));
  const isNext = (a: Point | undefined, b: Point | undefined) =>
    a !== undefined && b !== undefined && b.at === a.at + 1;
  return points
    .map((point, i) => {
      const [x, before] = [(point.at + 0.5) * DAY_WIDTH, points[i - 1]];
      if (isNext(before, point)) return `L${x} ${y(point.value)}`;
      const isAlone = !isNext(point, points[i + 1]);
      return isAlone ? `M${x - DASH / 2} ${y(point.value)}h${DASH}` : `M${x} ${y(point.value)}`;
    })
    .join('');
}

/** A bar that is not nothing can be seen. */
function barsPath(points: readonly Point[], top: number): string {
  return points
    .filter(({ value }) => value > 0)
    .map(({ at, value }) => {
      const x = rounded(at * DAY_WIDTH + (DAY_WIDTH - BAR_WIDTH) / 2);
      const height = rounded(Math.max(1, (value / top) * CHART_HEIGHT));
      return `M${x} ${CHART_HEIGHT}v-${height}h${BAR_WIDTH}v${height}z`;
    })
    .join('');
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

/** So many days stand in a row of the overview. */
export const STRIP_DAYS = 14;
export const STRIP_HEIGHT = 12;
const STRIP_DAY_WIDTH = 6;
export const STRIP_WIDTH = STRIP_DAYS * STRIP_DAY_WIDTH;

/** A block for each day: high where the access point was up all day, lower where it was at times, low where never. */
export interface Strip {
  /** Days with a check, and the sum of the shares in which it was up. */
  readonly days: number;
  readonly daysUp: number;
  /**
   * Data of SVG paths: days on which it was up, at times, never; '' = no such day. A line for each run of days, along the middle of its blocks: dashes (5 long, 1 apart) of the height in `STRIP_BLOCKS` make blocks of it.
   */
  readonly up: string;
  readonly partly: string;
  readonly down: string;
}

/** Heights of the blocks: the style sheet's widths of the strokes. */
export const STRIP_BLOCKS = { up: STRIP_HEIGHT, partly: 8, down: 4 } as const;

/** Of the last `STRIP_DAYS` days; null where there was no check. */
export function stripOf(history: readonly StatusDay[], madeAtMs: number): Strip | null {
  const first = STATUS_DAYS - STRIP_DAYS;
  const days = history
    .map((day) => ({ ...day, at: place(day.day, madeAtMs) - first }))
    .filter(({ at, checks }) => at >= 0 && at < STRIP_DAYS && checks > 0);
  if (days.length === 0) return null;
  const path = (kind: keyof typeof STRIP_BLOCKS) => {
    const own = days.filter((day) => kindOf(day) === kind).map(({ at }) => at);
    const starts = own.filter((at) => !own.includes(at - 1));
    return starts
      .map((at) => `M${at * STRIP_DAY_WIDTH} ${STRIP_HEIGHT - STRIP_BLOCKS[kind] / 2}h${runWidth(own, at)}`)
      .join('');
  };
  const daysUp = days.reduce((total, { upShare }) => total + upShare, 0);
  return { days: days.length, daysUp, up: path('up'), partly: path('partly'), down: path('down') };
}

function kindOf({ upShare }: StatusDay): keyof typeof STRIP_BLOCKS {
  return upShare === 1 ? 'up' : upShare > 0 ? 'partly' : 'down';
}

/** From the first day of a run to the end of its last block. */
function runWidth(days: readonly number[], start: number): number {
  let end = start + 1;
  while (days.includes(end)) end++;
  return (end - start) * STRIP_DAY_WIDTH - 1;
}
