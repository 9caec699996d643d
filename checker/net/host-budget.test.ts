import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FUZZ_TIMEOUT_MS, fuzz } from '../../test/fuzzing.ts';
import { type Clock, DEFAULT_LIMITS, HostBudget, HostBudgets, type HostLimits } from './host-budget.ts';
import { MAX_RETRY_AFTER_MS, retryAfterMs } from './retry-after.ts';

const WALL_MS = Date.UTC(2026, 0, 2);

class TestClock implements Clock {
  atMs = 1000;
  nowMs = () => this.atMs;
  wallMs = () => WALL_MS + this.atMs;
  random = () => 0.5;
}

const unlimited: HostLimits = {
  connections: 4,
  requestsPerSecond: Number.POSITIVE_INFINITY,
  bytesPerSecond: Number.POSITIVE_INFINITY,
};

/** Sends as fast as the budget allows for so long; answers how many were sent. */
function sentWithin(budget: HostBudget, clock: TestClock, forMs: number, bytesEach = 0): number {
  const endMs = clock.atMs + forMs;
  let sent = 0;
  while (clock.atMs < endMs) {
    const waitMs = budget.admit();
    if (waitMs > 0) clock.atMs += waitMs;
    else {
      sent++;
      budget.transferred(bytesEach);
    }
  }
  return sent;
}

describe('requests per second', () => {
  test('are never more than allowed, but for the burst of an idle host', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 20 }), (perSecond, seconds) => {
        const clock = new TestClock();
        const budget = new HostBudget({ ...unlimited, requestsPerSecond: perSecond }, clock);
        const sent = sentWithin(budget, clock, seconds * 1000);
        expect(sent).toBeLessThanOrEqual(perSecond * seconds + Math.max(1, perSecond / 10) + 1);
        expect(sent).toBeGreaterThanOrEqual(Math.floor(perSecond * seconds * 0.6));
      }),
    );
  });

  test('those that were sent again unasked are waited for', () => {
    const clock = new TestClock();
    const budget = new HostBudget({ ...unlimited, requestsPerSecond: 100 }, clock);
    for (let i = 0; i < 100; i++) budget.sentAgain();
    expect(sentWithin(budget, clock, 850)).toBe(0);
  });

  test('received bytes hold them back too', () => {
    const clock = new TestClock();
    const budget = new HostBudget({ ...unlimited, bytesPerSecond: 100_000 }, clock);
    const sent = sentWithin(budget, clock, 10_000, 10_000);
    expect(sent).toBeGreaterThan(70);
    expect(sent).toBeLessThanOrEqual(102);
  });
});

describe('a pause', () => {
  test('lets nobody ask before it is over, and ends a little later', () => {
    const clock = new TestClock();
    const budget = new HostBudget(unlimited, clock);
    expect(budget.admit()).toBe(0);
    budget.refused(429, '1', 99);
    expect(budget.isPaused).toBe(true);
    expect(budget.admit()).toBe(1125);
    clock.atMs += 1124;
    expect(budget.admit()).toBe(1);
    clock.atMs += 1;
    expect(budget.admit()).toBe(0);
    expect(budget.isPaused).toBe(false);
  });

  test('is not shortened by a shorter one', () => {
    const budget = new HostBudget(unlimited, new TestClock());
    budget.refused(429, '1', 99);
    budget.refused(429, '', 10);
    budget.refused(429, '0', 10);
    expect(budget.admit()).toBe(1125);
  });

  test('of more than five minutes leaves the host alone for the rest of the run', () => {
    const clock = new TestClock();
    const budget = new HostBudget(unlimited, clock);
    const wishOf = (retryAfter: string) => {
      budget.refused(503, retryAfter, 10);
      return [budget.isLeftAlone, budget.wish];
    };
    const until = (ms: number) => ({ status: 503, notBeforeMs: clock.wallMs() + ms });
    expect(budget.wish).toBe(null);
    expect(wishOf('')).toEqual([false, { status: 503, notBeforeMs: 0 }]);
    expect(wishOf('300')).toEqual([false, until(300_000)]);
    expect(wishOf('10')).toEqual([false, until(300_000)]);
    expect(wishOf('301')).toEqual([true, until(301_000)]);
    expect(wishOf('99999999')).toEqual([true, until(MAX_RETRY_AFTER_MS)]);
    // Whoever is about to ask does not wait for a day to hear of it.
    expect(budget.admit()).toBe(300_000 * 1.125);
  });

  test('that was asked for in an earlier run goes on', () => {
    const clock = new TestClock();
    const wishing = (ms: number) => new HostBudget(unlimited, clock, { status: 429, notBeforeMs: clock.wallMs() + ms });
    expect([wishing(-1).admit(), wishing(-1).isLeftAlone]).toEqual([0, false]);
    expect([wishing(1000).admit(), wishing(1000).isLeftAlone]).toEqual([1125, false]);
    expect(wishing(300_001).isLeftAlone).toBe(true);
  });
});

describe('Retry-After', () => {
  const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);
  const rows: [text: string, ms: number | null][] = [
    ['1', 1000],
    [' 120 ', 120_000],
    ['0', 0],
    ['86400', MAX_RETRY_AFTER_MS],
    ['86401', MAX_RETRY_AFTER_MS],
    ['301', 301_000],
    ['999999999999999999', null],
    ['-1', null],
    ['1.5', null],
    ['soon', null],
    ['', null],
    ['Fri, 02 Jan 2026 03:04:15 GMT', 10_000],
    ['Friday, 02-Jan-26 03:04:15 GMT', 10_000],
    ['Fri Jan  2 03:04:15 2026', 10_000],
    ['Fri, 02 Jan 2026 03:04:00 GMT', 0],
    ['Sun, 04 Jan 2026 03:04:05 GMT', MAX_RETRY_AFTER_MS],
    ['2026-01-02T03:04:15Z', null],
    [`Fri, ${'9'.repeat(10_000)}`, null],
  ];
  test.each(rows)('%s', (text, ms) => {
    expect(retryAfterMs(text, NOW_MS)).toBe(ms);
  });
});

describe('connections', () => {
  const never = new AbortController().signal;

  test('are never more than the host may have, and are handed on in order', async () => {
    const budget = new HostBudget({ ...unlimited, connections: 4 }, new TestClock());
    expect(await budget.reserve(3, never)).toBe(3);
    expect(await budget.reserve(4, never)).toBe(1);
    const order: string[] = [];
    const third = budget.reserve(2, never).then((count) => order.push(`third ${count}`));
    const fourth = budget.reserve(2, never).then((count) => order.push(`fourth ${count}`));
    budget.release(1);
    await third;
    budget.release(3);
    await fourth;
    expect(order).toEqual(['third 1', 'fourth 2']);
  });

  test('who is interrupted while waiting gets none, and is not waited for', async () => {
    const budget = new HostBudget({ ...unlimited, connections: 1 }, new TestClock());
    await budget.reserve(1, never);
    const abort = new AbortController();
    const waiting = budget.reserve(1, abort.signal);
    const next = budget.reserve(1, never);
    abort.abort();
    expect(await waiting).toBe(0);
    budget.release(1);
    expect(await next).toBe(1);
  });
});

describe('the budgets of a run', () => {
  const budgets = new HostBudgets(DEFAULT_LIMITS);
  test('http and https of a host share one', () => {
    expect(budgets.of('http://a.example/x/')).toBe(budgets.of('https://A.example:8443/gentoo/'));
    expect(budgets.of('http://a.example/')).not.toBe(budgets.of('http://b.example/'));
  });

  test('tell what hosts asked for, in this run and before', () => {
    const nowMs = Date.UTC(2026, 0, 2);
    const hourly = new HostBudgets(
      DEFAULT_LIMITS,
      new Map([['b.example', { status: 503, notBeforeMs: nowMs + 1 }]]),
      () => nowMs,
    );
    hourly.of('http://a.example/').refused(429, '3600', 10);
    hourly.of('http://c.example/');
    expect([...hourly.wishes]).toEqual([
      ['b.example', { status: 503, notBeforeMs: nowMs + 1 }],
      ['a.example', { status: 429, notBeforeMs: nowMs + 3_600_000 }],
    ]);
  });

  test('on loopback each port is a host, without a limit to its rate', () => {
    expect(budgets.of('http://127.0.0.1:1/')).not.toBe(budgets.of('http://127.0.0.1:2/'));
    for (const url of ['http://127.0.0.1:1/', 'http://localhost:1/', 'http://[::1]:1/']) {
      for (let i = 0; i < 10_000; i++) expect(budgets.of(url).admit()).toBe(0);
    }
    const distant = budgets.of('http://c.example/');
    let sent = 0;
    while (distant.admit() === 0) sent++;
    expect(sent).toBeLessThan(100);
  });
});

test('any Retry-After is a bounded wait or none', { timeout: FUZZ_TIMEOUT_MS }, async () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.stringMatching(/^[ \d]{0,20}$/),
    fc.stringMatching(/^(Mon|Sun), \d{1,3} (Jan|Nov|Foo) \d{2,5} \d\d:\d\d:\d\d (GMT|\+0100)?$/),
  );
  await fuzz(
    fc.property(text, fc.nat(), (said, nowMs) => {
      const waitMs = retryAfterMs(said, nowMs);
      if (waitMs !== null && !(waitMs >= 0 && waitMs <= MAX_RETRY_AFTER_MS)) throw new Error(`${said}: ${waitMs}`);
    }),
  );
});
