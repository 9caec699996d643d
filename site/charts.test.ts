import { describe, expect, it } from 'vitest';
import type { StatusDay } from '../core/status.ts';
import { dayAt } from '../test/synthetic.ts';
import { chartsOf, STRIP_BLOCKS, stripOf } from './charts.ts';
import { styleSheet } from './style-sheet.ts';

const NOON_MS = Date.UTC(2026, 9, 1, 12);
/** So many days ago, at any hour. */
const ago = (days: number, more: Partial<StatusDay> = {}): StatusDay => {
  return { ...dayAt(NOON_MS / 1000 - days * 86_400 + days * 60, null, 1), upShare: 0.75, ...more };
};
const chart = (title: string, ...history: StatusDay[]) => chartsOf(history, NOON_MS).find((one) => one.title === title);

describe('charts', () => {
  it('place each day where it belongs: a gap where one is missing, a dot where one stands alone', () => {
    const path = chart('Coverage', ago(29), ago(28, { coverage: 0.5 }), ago(26), ago(0))?.path;
    expect(path).toBe('M5 2L15 46M32 2h6M292 2h6');
  });

  it('leave out days before the window, days of the future, and what is no day', () => {
    const odd = [ago(30), ago(-1), ago(3, { day: '2026-99-99' })];
    expect(chartsOf(odd, NOON_MS)).toEqual([]);
    expect(stripOf(odd, NOON_MS)).toBeNull();
  });

  it('have no lag where none is known, and a gap where it was not known for a day', () => {
    expect(chart('Behind the master', ago(1), ago(0))).toBeUndefined();
    const some = chart(
      'Behind the master',
      ago(3, { lagS: 7200 }),
      ago(2),
      ago(1, { lagS: 0 }),
      ago(0, { lagS: 3600 }),
    );
    expect(some).toMatchObject({ path: 'M262 2h6M285 46L295 24', top: '2\u00a0h', bottom: '0\u00a0s' });
    expect(some?.summary).toBe('1\u00a0h on 1\u00a0Oct, 2\u00a0h at most, on 28\u00a0Sept');
  });

  it.each([
    [1, '99.00\u00a0%'],
    [0.995, '99.00\u00a0%'],
    [0.98, '90.00\u00a0%'],
    [0.6, '50.00\u00a0%'],
    [0.1, '0\u00a0%'],
  ])('of a coverage of %d begin at %s, and say so', (coverage, bottom) => {
    expect(chart('Coverage', ago(0, { coverage }))?.bottom).toBe(bottom);
  });

  it('draw a bar for the share of the day that it was up, none for none', () => {
    const up = chart('Up', ago(2, { upShare: 1 }), ago(1, { upShare: 0 }), ago(0, { upShare: 0.25 }));
    expect(up).toMatchObject({ path: 'M271.5 48v-48h7v48zM291.5 48v-12h7v12z' });
    expect(up?.summary).toBe('41.66\u00a0% of 3 days, 0\u00a0% at the lowest, on 30\u00a0Sept');
  });

  it('draw a bar for requests that can be seen beside the longest', () => {
    const requests = chart('Requests of ours', ago(1, { requests: 150_000 }), ago(0, { requests: 60 }));
    expect(requests?.path).toBe('M281.5 48v-48h7v48zM291.5 48v-1h7v1z');
    expect(requests?.summary).toBe('60 on 1\u00a0Oct, 150,000 at most, on 30\u00a0Sept; 150,060 in all');
  });
});

describe('a strip', () => {
  it('tells days on which it was up, at times and never by height', () => {
    const strip = stripOf(
      [ago(20), ago(13, { upShare: 1 }), ago(1, { upShare: 0.5 }), ago(0, { upShare: 0 })],
      NOON_MS,
    );
    expect(strip).toEqual({
      ...{ days: 3, daysUp: 1.5 },
      up: 'M0 6h5',
      partly: 'M72 8h5',
      down: 'M78 10h5',
    });
  });

  it('draws a run of days as one line, and knows days without a check from it', () => {
    const days = [13, 12, 11, 8, 7, 0].map((days) => ago(days, { upShare: 1 }));
    expect(stripOf(days, NOON_MS)?.up).toBe('M0 6h17M30 6h11M78 6h5');
  });

  it('has blocks as high as the style sheet says', () => {
    const css = styleSheet();
    const widths = Object.keys(STRIP_BLOCKS).map((kind) => [
      kind,
      Number(new RegExp(`\\.strip \\.${kind} {[^}]*stroke-width: (\\d+);`).exec(css)?.[1]),
    ]);
    expect(Object.fromEntries(widths)).toEqual(STRIP_BLOCKS);
  });

  it('of days without a check is none', () => {
    expect(stripOf([ago(0, { checks: 0, checksUp: 0 })], NOON_MS)).toBeNull();
  });
});
